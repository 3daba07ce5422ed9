// LayerNorm (Ba et al., arXiv 1607.06450) and RMSNorm (Zhang and Sennrich, arXiv 1910.07467) of rows.
#pragma once

#include "parallel.h"
#include <stdbool.h>

/// Rows of `columns` elements. With `rms` they are divided by the root of their mean square; otherwise their mean is
/// taken away and they are divided by their standard deviation. Statistics are mean (0 with `rms`) and the reciprocal
/// of the divisor, two floats a row.
typedef struct {
  int64_t rows, columns;
  bool rms;
  float epsilon;
  float weight_offset;  // added to every weight
} ck_norm_shape;

/// sum = x + delta, y = norm(sum) ⊙ (weight_offset + weight) + bias. delta and sum are both NULL (y = norm(x) …) or
/// neither; bias may be NULL.
void ck_norm(
  ck_pool *pool, const ck_norm_shape *shape, float *y, int64_t y_stride, float *statistics, int64_t statistics_stride,
  float *sum, int64_t sum_stride, const float *x, int64_t x_stride, const float *delta, int64_t delta_stride,
  const float *weight, const float *bias);

/// dx, or dx += with `add`, of y = norm(x) ⊙ (weight_offset + weight) + bias; dweight += and dbias +=, either of which
/// may be NULL.
void ck_norm_backward(
  ck_pool *pool, const ck_norm_shape *shape, float *dx, int64_t dx_stride, bool add, float *dweight, float *dbias,
  const float *dy, int64_t dy_stride, const float *x, int64_t x_stride, const float *weight, const float *statistics,
  int64_t statistics_stride);
