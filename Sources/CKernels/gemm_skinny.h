// Products with few rows, as in token-by-token decoding: every element of b is used a handful of times, so packing it
// would cost more than the product.
#pragma once

#include "narrow.h"

#include <stdbool.h>
#include <stdint.h>

/// Most rows of c for which these kernels are the faster ones (measured against OpenBLAS on AVX-512 and AVX2).
static inline bool ck_is_skinny(int64_t m, bool transpose_b) { return m <= (transpose_b ? 16 : 8); }

/// c[m, n] += a[m, k]·op(b) for few rows, on the calling thread; b is [k, n], or [n, k] when transposed, of `type`.
/// The result does not depend on how the numbers of b are stored.
void ck_skinny_gemm(
  bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const void *b, ck_element type,
  int64_t ldb, float *c, int64_t ldc);
