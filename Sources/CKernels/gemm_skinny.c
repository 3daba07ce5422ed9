#include "gemm_skinny.h"
#include "sizes.h"
#include "widen.h"

CK_INLINE float sum_of_lanes(const ck_lanes *x) {
  float lane[ck_lane_count];
  ck_store(lane, x);
  for (int width = ck_lane_count / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; i++) lane[i] += lane[i + width];
  }
  return lane[0];
}

// Half as many bytes leave half as much time to wait for each: narrow numbers are fetched a block ahead.
CK_INLINE void fetch(const char *address, ck_element type) {
  if (type != ck_float32) __builtin_prefetch(address);
}

// `rows` × `columns` dot products of rows of a with rows of b, which are `ldb` elements of `type` apart.
CK_INLINE void dot_block(
  int rows, int columns, int64_t k, const float *a, int64_t lda, const char *b, ck_element type, bool half, int64_t ldb,
  float *c, int64_t ldc) {
  const int64_t size = ck_element_size(type);
  ck_lanes sum[4][4] = {0};
  int64_t p = 0;
  for (; p + ck_lane_count <= k; p += ck_lane_count) {
    ck_lanes x[4];
    for (int i = 0; i < rows; i++) ck_load(&x[i], a + i * lda + p);
    for (int j = 0; j < columns; j++) {
      ck_lanes y;
      fetch(b + ((j + columns) * ldb + p) * size, type);
      ck_load_stored(&y, b + (j * ldb + p) * size, type, half);
      for (int i = 0; i < rows; i++) sum[i][j] += x[i] * y;
    }
  }
  if (p < k) {
    for (int i = 0; i < rows; i++) {
      ck_lanes x;
      ck_load_first(&x, a + i * lda + p, k - p, 0);
      for (int j = 0; j < columns; j++) {
        ck_lanes y;
        ck_load_first_stored(&y, b + (j * ldb + p) * size, k - p, type, half);
        sum[i][j] += x * y;
      }
    }
  }
  for (int i = 0; i < rows; i++) {
    for (int j = 0; j < columns; j++) c[i * ldc + j] += sum_of_lanes(&sum[i][j]);
  }
}

// c += a·bᵀ. A block of b's rows serves all rows of a while it is in the first-level cache.
CK_INLINE void multiply_transposed(
  int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const char *b, ck_element type, bool half, int64_t ldb,
  float *c, int64_t ldc) {
  const int64_t row = ldb * ck_element_size(type);
  int64_t j = 0;
  for (; j + 4 <= n; j += 4) {
    int64_t i = 0;
    for (; i + 2 <= m; i += 2) dot_block(2, 4, k, a + i * lda, lda, b + j * row, type, half, ldb, c + i * ldc + j, ldc);
    if (i < m) dot_block(1, 4, k, a + i * lda, lda, b + j * row, type, half, ldb, c + i * ldc + j, ldc);
  }
  for (; j < n; j++) {
    for (int64_t i = 0; i < m; i++) {
      dot_block(1, 1, k, a + i * lda, lda, b + j * row, type, half, ldb, c + i * ldc + j, ldc);
    }
  }
}

// Adds a[0..<terms]·(as many rows of b) to the first `count` (at most 16) elements of a row of c. `terms` is 8 or 1.
CK_INLINE void add_lanes(
  int terms, int64_t count, const float *a, const char *b, ck_element type, bool half, int64_t ldb, float *c) {
  const int64_t row = ldb * ck_element_size(type);
  ck_lanes sum, y[8];
  ck_load_first(&sum, c, count, 0);
  for (int r = 0; r < terms; r++) {
    fetch(b + (r + terms) * row, type);
    ck_load_first_stored(&y[r], b + r * row, count, type, half);
  }
  if (terms == 8) {
    sum += ((a[0] * y[0] + a[1] * y[1]) + (a[2] * y[2] + a[3] * y[3]))
      + ((a[4] * y[4] + a[5] * y[5]) + (a[6] * y[6] + a[7] * y[7]));
  } else {
    sum += a[0] * y[0];
  }
  ck_store_first(c, &sum, count);
}

CK_INLINE void add_rows(
  int terms, int64_t n, const float *a, const char *b, ck_element type, bool half, int64_t ldb, float *c) {
  const int64_t size = ck_element_size(type);
  float x[8];  // not read again after every change of c
  for (int r = 0; r < terms; r++) x[r] = a[r];
  int64_t j = 0;
#pragma clang loop unroll_count(2)
  for (; j + ck_lane_count <= n; j += ck_lane_count) {
    add_lanes(terms, ck_lane_count, x, b + j * size, type, half, ldb, c + j);
  }
  if (j < n) add_lanes(terms, n - j, x, b + j * size, type, half, ldb, c + j);
}

// c += a·b. Eight rows of b stream by at once, so many columns of them that they stay cached for the next row of a.
CK_INLINE void multiply_plain(
  int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const char *b, ck_element type, bool half, int64_t ldb,
  float *c, int64_t ldc) {
  enum { width = 2048 };
  const int64_t size = ck_element_size(type);
  for (int64_t j = 0; j < n; j += width) {
    const int64_t columns = ck_least(width, n - j);
    int64_t p = 0;
    for (; p + 8 <= k; p += 8) {
      for (int64_t i = 0; i < m; i++) {
        add_rows(8, columns, a + i * lda + p, b + (p * ldb + j) * size, type, half, ldb, c + i * ldc + j);
      }
    }
    for (; p < k; p++) {
      for (int64_t i = 0; i < m; i++) {
        add_rows(1, columns, a + i * lda + p, b + (p * ldb + j) * size, type, half, ldb, c + i * ldc + j);
      }
    }
  }
}

CK_INLINE void multiply(
  bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const void *b, ck_element type,
  bool half, int64_t ldb, float *c, int64_t ldc) {
  if (transpose_b) multiply_transposed(m, n, k, a, lda, b, type, half, ldb, c, ldc);
  else multiply_plain(m, n, k, a, lda, b, type, half, ldb, c, ldc);
}

// One function for each type, and for float16 each way to read it.
#define SKINNY(NAME, CLONES, TYPE, HALF) \
  CLONES static void NAME( \
    bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const void *b, int64_t ldb, \
    float *c, int64_t ldc) { \
    multiply(transpose_b, m, n, k, a, lda, b, TYPE, HALF, ldb, c, ldc); \
  }

SKINNY(multiply_float32, CK_CLONES, ck_float32, false)
SKINNY(multiply_bfloat16, CK_CLONES, ck_bfloat16, false)
SKINNY(multiply_float16_baseline, , ck_float16, ck_baseline_half)
#if defined(__x86_64__)
SKINNY(multiply_float16_avx512, CK_AVX512, ck_float16, true)
SKINNY(multiply_float16_avx2, CK_AVX2, ck_float16, true)
#endif

void ck_skinny_gemm(
  bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const void *b, ck_element type,
  int64_t ldb, float *c, int64_t ldc) {
  switch (type) {
    case ck_float32: multiply_float32(transpose_b, m, n, k, a, lda, b, ldb, c, ldc); return;
    case ck_bfloat16: multiply_bfloat16(transpose_b, m, n, k, a, lda, b, ldb, c, ldc); return;
    case ck_float16: CK_BEST_OF(multiply_float16)(transpose_b, m, n, k, a, lda, b, ldb, c, ldc); return;
  }
}
