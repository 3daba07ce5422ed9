// Sums over the rows of a matrix, for gradients of what every row shares.
//
// Rows are summed in blocks, which threads do at the same time, and then the blocks in ascending order. Blocks depend
// on the shape alone, and so does the result: not on the number of threads.
#pragma once

#include "parallel.h"

typedef struct {
  int64_t rows;    // rows of a block; the last may have fewer
  int64_t blocks;  // 1: what it sums is added to the result itself
  float *partial;  // [blocks][width], in the pool's shared scratch
} ck_row_blocks;

/// Blocks of `rows` rows, each of which leaves `width` sums. Few rows are one block.
ck_row_blocks ck_split_rows(const ck_pool *pool, int64_t rows, int64_t width);

/// out[j] += Σ partial[block][j] over the blocks, for `count` columns, which may be some of the `width` of a block.
void ck_add_partial_sums(
  ck_pool *pool, float *out, const float *partial, int64_t blocks, int64_t width, int64_t count);
