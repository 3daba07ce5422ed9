#include "gemm_packing.h"
#include "kernel.h"
#include "sizes.h"

#include <string.h>

typedef float vector4 __attribute__((vector_size(16)));
typedef float unaligned4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef float vector8 __attribute__((vector_size(32)));
typedef float unaligned8 __attribute__((vector_size(32), aligned(4), may_alias));

// The next four elements of four lines, transposed.
CK_INLINE void transpose_4x4(float *restrict target, int64_t group, const float *source, int64_t stride) {
  const vector4 a = *(const unaligned4 *)source, b = *(const unaligned4 *)(source + stride);
  const vector4 c = *(const unaligned4 *)(source + 2 * stride), d = *(const unaligned4 *)(source + 3 * stride);
  const vector4 ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const vector4 cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  *(unaligned4 *)target = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
  *(unaligned4 *)(target + group) = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
  *(unaligned4 *)(target + 2 * group) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
  *(unaligned4 *)(target + 3 * group) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

// The next eight elements of eight lines, transposed: in each round, rows 1, 2 and 4 apart exchange elements.
CK_INLINE void transpose_8x8(float *restrict target, int64_t group, const float *source, int64_t stride) {
  vector8 x[8];
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++) x[i] = *(const unaligned8 *)(source + i * stride);
#define EXCHANGE(DISTANCE)                                                               \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < 8; i++) {                       \
    if (i & DISTANCE) continue;                                                          \
    const vector8 low = x[i], high = x[i + DISTANCE];                                    \
    x[i] = __builtin_shufflevector(low, high, LOW_##DISTANCE);                           \
    x[i + DISTANCE] = __builtin_shufflevector(low, high, HIGH_##DISTANCE);               \
  }
#define LOW_1 0, 8, 2, 10, 4, 12, 6, 14
#define HIGH_1 1, 9, 3, 11, 5, 13, 7, 15
#define LOW_2 0, 1, 8, 9, 4, 5, 12, 13
#define HIGH_2 2, 3, 10, 11, 6, 7, 14, 15
#define LOW_4 0, 1, 2, 3, 8, 9, 10, 11
#define HIGH_4 4, 5, 6, 7, 12, 13, 14, 15
  EXCHANGE(1)
  EXCHANGE(2)
  EXCHANGE(4)
#undef EXCHANGE
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++) *(unaligned8 *)(target + i * group) = x[i];
}

// One panel. Blocks of 8 × 8, then of 4 × 4, then element by element.
CK_CLONES static void pack_panel_of_lines(
  float *restrict packed, const float *x, int64_t stride, int64_t lines, int64_t k, int64_t group) {
  int64_t line = 0;
  for (; line + 8 <= lines; line += 8) {
    const float *const source = x + line * stride;
    float *const target = packed + line;
    int64_t p = 0;
    for (; p + 8 <= k; p += 8) transpose_8x8(target + p * group, group, source + p, stride);
    for (; p < k; p++) {
      for (int64_t i = 0; i < 8; i++) target[p * group + i] = source[i * stride + p];
    }
  }
  for (; line + 4 <= lines; line += 4) {
    const float *const source = x + line * stride;
    float *const target = packed + line;
    int64_t p = 0;
    for (; p + 4 <= k; p += 4) transpose_4x4(target + p * group, group, source + p, stride);
    for (; p < k; p++) {
      for (int64_t i = 0; i < 4; i++) target[p * group + i] = source[i * stride + p];
    }
  }
  for (; line < lines; line++) {
    for (int64_t p = 0; p < k; p++) packed[p * group + line] = x[line * stride + p];
  }
}

// One whole panel of columns.
CK_INLINE void copy_columns(float *restrict packed, const float *x, int64_t stride, int64_t k, const int64_t group) {
  for (int64_t p = 0; p < k; p++) {
#pragma clang loop unroll(full)
    for (int64_t i = 0; i < group; i++) packed[p * group + i] = x[p * stride + i];
  }
}

// The widths of the inner kernels' tiles as constants: a copy of unknown length is a function call for each row.
CK_CLONES static void pack_panel_of_columns(
  float *restrict packed, const float *x, int64_t stride, int64_t k, int64_t group) {
  switch (group) {
    case 48: return copy_columns(packed, x, stride, k, 48);
    case 24: return copy_columns(packed, x, stride, k, 24);
    case 12: return copy_columns(packed, x, stride, k, 12);
    case 8: return copy_columns(packed, x, stride, k, 8);
    case 4: return copy_columns(packed, x, stride, k, 4);
    default: return copy_columns(packed, x, stride, k, group);
  }
}

void ck_pack_lines(float *packed, const float *x, int64_t stride, int64_t lines, int64_t k, int64_t group) {
  for (int64_t first = 0; first < lines; first += group, packed += group * k) {
    const int64_t present = ck_least(group, lines - first);
    if (present < group) memset(packed, 0, (size_t)(group * k) * sizeof(float));
    pack_panel_of_lines(packed, x + first * stride, stride, present, k, group);
  }
}

void ck_pack_columns(float *packed, const float *x, int64_t stride, int64_t lines, int64_t k, int64_t group) {
  for (int64_t first = 0; first < lines; first += group, packed += group * k) {
    const int64_t present = ck_least(group, lines - first);
    if (present == group) {
      pack_panel_of_columns(packed, x + first, stride, k, group);
      continue;
    }
    memset(packed, 0, (size_t)(group * k) * sizeof(float));
    for (int64_t p = 0; p < k; p++) {
      memcpy(packed + p * group, x + p * stride + first, (size_t)present * sizeof(float));
    }
  }
}
