// Rotary position embedding (Su et al., arXiv 2104.09864).
#pragma once

#include "parallel.h"
#include <stdbool.h>

/// Rotates, in place, the first `heads` heads of head_dim elements, head_stride apart, of each row: element j of the
/// first half of a head with element j of its second half (the convention of GPT-NeoX and of Llama in transformers).
/// Row i is at position i mod length + position; row p of table holds the head_dim / 2 cosines of that position, then
/// the sines. `inverse` rotates back.
void ck_rope(
  ck_pool *pool, int64_t rows, int64_t heads, int64_t head_dim, int64_t head_stride, float *x, int64_t x_stride,
  const float *table, int64_t table_stride, int64_t length, int64_t position, bool inverse);
