// Sums over the rows of a matrix.
#pragma once

#include "parallel.h"

/// out[j] += Σᵢ x[i, j] over `rows` rows, in ascending blocks of rows.
void ck_add_column_sums(
  ck_pool *pool, float *out, const float *x, int64_t rows, int64_t columns, int64_t stride);
