// RMSNorm (Zhang and Sennrich, arXiv 1910.07467) of single heads of queries and keys (Dehghani et al., arXiv
// 2302.05442).
#pragma once

#include "parallel.h"

/// Rows of packed q (heads), k (kv_heads) and v (kv_heads). Heads begin head_stride apart; their first head_dim
/// elements are normalised, what pads them is not.
typedef struct {
  int64_t rows, heads, kv_heads, head_dim, head_stride;
  float epsilon;
} ck_head_norm_shape;

/// y = x, but for q and k: heads divided by the root of their mean square, times query_weight or key_weight [head_dim].
/// statistics [rows, heads + kv_heads]: the reciprocals of the divisors. y may be x.
void ck_head_norm(
  ck_pool *pool, const ck_head_norm_shape *shape, float *y, int64_t y_stride, float *statistics,
  int64_t statistics_stride, const float *x, int64_t x_stride, const float *query_weight, const float *key_weight);

/// Sets dx, which may be dy, from dy; dquery_weight += and dkey_weight +=, either of which may be NULL.
void ck_head_norm_backward(
  ck_pool *pool, const ck_head_norm_shape *shape, float *dx, int64_t dx_stride, float *dquery_weight,
  float *dkey_weight, const float *dy, int64_t dy_stride, const float *x, int64_t x_stride, const float *query_weight,
  const float *key_weight, const float *statistics, int64_t statistics_stride);
