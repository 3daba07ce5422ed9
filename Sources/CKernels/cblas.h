// cblas.h, as far as it is needed here: the header belongs to -dev packages that users do not have.
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef void (*ck_cblas_sgemm)(
  int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
  const float *b, int ldb, float beta, float *c, int ldc);

/// The product of a ck_gemm_kernel by a library's sgemm.
static inline void ck_multiply_by_cblas(
  ck_cblas_sgemm sgemm, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a,
  int64_t lda, const float *b, int64_t ldb, bool add, float *c, int64_t ldc) {
  enum { row_major = 101, no_transpose = 111, transpose = 112 };
  sgemm(
    row_major, transpose_a ? transpose : no_transpose, transpose_b ? transpose : no_transpose, (int)m, (int)n, (int)k,
    1, a, (int)lda, b, (int)ldb, add ? 1 : 0, c, (int)ldc);
}
