#include "tile.h"

// One tile in registers: `rows` × `vectors` sums, constants once this is inlined. Only `lanes` of the last vector exist
// in c.
CK_INLINE void multiply_tile(
  const int rows, const int vectors, const ck_tile_product *product, int64_t row, int64_t column, const int64_t lanes) {
  const int64_t a_row = product->a_row, a_depth = product->a_depth, ldb = product->ldb, ldc = product->ldc;
  const float *a = product->a + row * a_row;
  const float *b = product->b + column;
  float *c = product->c + row * ldc + column;
  ck_lanes sum[8][4];
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    ck_lanes scale = 1.0f;
    if (product->scale) ck_load(&scale, product->scale + column + v * ck_lane_count);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      sum[r][v] = 0.0f;
      if (!product->add) continue;
      ck_load_first(&sum[r][v], c + r * ldc + v * ck_lane_count, lanes, 0);
      sum[r][v] *= scale;
    }
  }
  for (int64_t p = 0; p < product->depth; p++, a += a_depth, b += ldb) {
    ck_lanes line[4];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) ck_load(&line[v], b + v * ck_lane_count);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) sum[r][v] += a[r * a_row] * line[v];
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) ck_store_first(c + r * ldc + v * ck_lane_count, &sum[r][v], lanes);
  }
}

// All rows of the columns from `column`, in tiles of `height` and then of 4.
CK_INLINE void multiply_strip(
  const int height, const int vectors, const ck_tile_product *product, int64_t column, const int64_t lanes) {
  int64_t row = 0;
  for (; row + height <= product->rows; row += height) {
    multiply_tile(height, vectors, product, row, column, lanes);
  }
  for (; height > 4 && row + 4 <= product->rows; row += 4) multiply_tile(4, vectors, product, row, column, lanes);
  for (; row < product->rows; row++) multiply_tile(1, vectors, product, row, column, lanes);
}

// Where one ck_lanes takes several registers: one vector wide, `height` as the registers allow.
CK_INLINE void multiply_narrow(const int height, const ck_tile_product *product) {
  for (int64_t column = 0; column < product->columns; column += ck_lane_count) {
    const int64_t left = product->columns - column;
    multiply_strip(height, 1, product, column, left < ck_lane_count ? left : ck_lane_count);
  }
}

#if defined(__x86_64__)
// Tiles of 4 × 4 vectors, or 8 × fewer: 16 to 24 sums and a line of b in 32 registers of 16 lanes.
CK_INLINE void multiply_wide(const ck_tile_product *product) {
  int64_t column = 0;
  while (column < product->columns) {
    const int64_t left = product->columns - column;
    if (left >= 64) {
      multiply_strip(4, 4, product, column, ck_lane_count);
      column += 64;
    } else if (left >= 48) {
      multiply_strip(8, 3, product, column, ck_lane_count);
      column += 48;
    } else if (left >= 32) {
      multiply_strip(8, 2, product, column, ck_lane_count);
      column += 32;
    } else {
      multiply_strip(8, 1, product, column, left < ck_lane_count ? left : ck_lane_count);
      column += ck_lane_count;
    }
  }
}

// Without the second attribute Clang splits 16 lanes into two registers of 8.
__attribute__((target("arch=x86-64-v4"), min_vector_width(512))) static void multiply_avx512(
  const ck_tile_product *product) {
  multiply_wide(product);
}
__attribute__((target("arch=x86-64-v3"))) static void multiply_avx2(const ck_tile_product *product) {
  multiply_narrow(6, product);
}
#endif

// 16 registers of 4 lanes (SSE2) hold 3 rows, 32 of them (NEON) 6.
#if defined(__x86_64__)
enum { baseline_height = 3 };
#else
enum { baseline_height = 6 };
#endif
static void multiply_baseline(const ck_tile_product *product) { multiply_narrow(baseline_height, product); }

ck_tile_multiplier ck_choose_tile_multiplier(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return multiply_avx512;
  if (__builtin_cpu_supports("x86-64-v3")) return multiply_avx2;
#endif
  return multiply_baseline;
}
