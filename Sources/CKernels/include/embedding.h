// Table look-up and its gradient.
#pragma once

#include "narrow.h"
#include "parallel.h"

/// y[i] = scale·table[indices[i]] (+ positions[(i mod length) + first_position]) for `rows` rows of `columns`.
/// `positions` may be NULL; it is of the table's type.
void ck_gather_rows(
  ck_pool *pool, int64_t rows, int64_t columns, float *y, int64_t y_stride, const int32_t *indices,
  int64_t index_stride, const void *table, int64_t table_stride, const void *positions, int64_t position_stride,
  ck_element type, int64_t length, int64_t first_position, float scale);

/// table[indices[i]] += scale·dy[i], rows in ascending order of i whatever the number of threads: each thread owns some
/// of the columns.
void ck_scatter_rows(
  ck_pool *pool, int64_t rows, int64_t columns, float *table, int64_t table_stride, const int32_t *indices,
  int64_t index_stride, const float *dy, int64_t dy_stride, float scale);

/// positions[i mod length] += dy[i], rows in ascending order of i.
void ck_scatter_positions(
  ck_pool *pool, int64_t rows, int64_t columns, float *positions, int64_t position_stride, const float *dy,
  int64_t dy_stride, int64_t length);
