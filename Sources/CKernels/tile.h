// Small matrix products on operands that are in cache as they lie, without packing. The work horse of attention.
#pragma once

#include "lanes.h"
#include <stdbool.h>

/// c[rows, columns] = a·b, or c ⊙ scale + a·b. a[i, p] is a[i·a_row + p·a_depth], so that either of its directions may
/// be the contiguous one.
typedef struct {
  int64_t rows, columns, depth;
  const float *a;
  int64_t a_row, a_depth;
  const float *b;
  int64_t ldb;
  float *c;
  int64_t ldc;
  bool add;
  // Factors on the columns of c when it is added to, readable up to the next multiple of 16 columns; NULL for ones.
  const float *scale;
} ck_tile_product;

typedef void (*ck_tile_multiplier)(const ck_tile_product *);

/// The multiplier for the processor at hand.
ck_tile_multiplier ck_choose_tile_multiplier(void);

/// `count` rounded up to whole lanes.
CK_INLINE int64_t ck_padded(int64_t count) { return (count + ck_lane_count - 1) / ck_lane_count * ck_lane_count; }
