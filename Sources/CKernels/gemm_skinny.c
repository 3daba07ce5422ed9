#include "gemm_skinny.h"
#include "kernel.h"

typedef float vector __attribute__((vector_size(64)));
typedef float unaligned __attribute__((vector_size(64), aligned(4), may_alias));

enum { lanes = 16 };

CK_INLINE float sum_of_lanes(const vector *x) {
  float lane[lanes];
  *(unaligned *)lane = *x;
  for (int width = lanes / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; i++) lane[i] += lane[i + width];
  }
  return lane[0];
}

// `rows` × `columns` dot products of rows of a with rows of b.
CK_INLINE void dot_block(
  int rows, int columns, int64_t k, const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc) {
  vector sum[4][4] = {0};
  int64_t p = 0;
  for (; p + lanes <= k; p += lanes) {
    for (int i = 0; i < rows; i++) {
      const vector x = *(const unaligned *)(a + i * lda + p);
      for (int j = 0; j < columns; j++) sum[i][j] += x * *(const unaligned *)(b + j * ldb + p);
    }
  }
  for (int i = 0; i < rows; i++) {
    for (int j = 0; j < columns; j++) {
      float total = sum_of_lanes(&sum[i][j]);
      for (int64_t q = p; q < k; q++) total += a[i * lda + q] * b[j * ldb + q];
      c[i * ldc + j] += total;
    }
  }
}

// c += a·bᵀ. A block of b's rows serves all rows of a while it is in the first-level cache.
CK_CLONES static void multiply_transposed(
  int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc) {
  int64_t j = 0;
  for (; j + 4 <= n; j += 4) {
    int64_t i = 0;
    for (; i + 2 <= m; i += 2) dot_block(2, 4, k, a + i * lda, lda, b + j * ldb, ldb, c + i * ldc + j, ldc);
    if (i < m) dot_block(1, 4, k, a + i * lda, lda, b + j * ldb, ldb, c + i * ldc + j, ldc);
  }
  for (; j < n; j++) {
    for (int64_t i = 0; i < m; i++) dot_block(1, 1, k, a + i * lda, lda, b + j * ldb, ldb, c + i * ldc + j, ldc);
  }
}

// Adds a[0..<8]·(eight rows of b) to a row of c.
CK_INLINE void add_eight_rows(int64_t n, const float *a, const float *b, int64_t ldb, float *restrict c) {
  const float *const b0 = b, *const b1 = b0 + ldb, *const b2 = b1 + ldb, *const b3 = b2 + ldb;
  const float *const b4 = b3 + ldb, *const b5 = b4 + ldb, *const b6 = b5 + ldb, *const b7 = b6 + ldb;
  const float a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3], a4 = a[4], a5 = a[5], a6 = a[6], a7 = a[7];
#pragma clang loop vectorize(assume_safety)
  for (int64_t j = 0; j < n; j++) {
    c[j] += ((a0 * b0[j] + a1 * b1[j]) + (a2 * b2[j] + a3 * b3[j]))
      + ((a4 * b4[j] + a5 * b5[j]) + (a6 * b6[j] + a7 * b7[j]));
  }
}

// c += a·b. Eight rows of b stream by at once; `n` is short enough for them to stay cached for the next row of a.
CK_CLONES static void multiply_plain(
  int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc) {
  int64_t p = 0;
  for (; p + 8 <= k; p += 8) {
    for (int64_t i = 0; i < m; i++) add_eight_rows(n, a + i * lda + p, b + p * ldb, ldb, c + i * ldc);
  }
  for (; p < k; p++) {
    for (int64_t i = 0; i < m; i++) {
      const float x = a[i * lda + p], *const row = b + p * ldb;
      float *const target = c + i * ldc;
#pragma clang loop vectorize(assume_safety)
      for (int64_t j = 0; j < n; j++) target[j] += x * row[j];
    }
  }
}

void ck_skinny_gemm(
  bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b, int64_t ldb,
  float *c, int64_t ldc) {
  if (transpose_b) {
    multiply_transposed(m, n, k, a, lda, b, ldb, c, ldc);
    return;
  }
  enum { width = 2048 };
  for (int64_t j = 0; j < n; j += width) {
    multiply_plain(m, n - j < width ? n - j : width, k, a, lda, b + j, ldb, c + j, ldc);
  }
}
