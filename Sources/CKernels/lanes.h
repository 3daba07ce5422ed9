// Sixteen floats as one value: a register of AVX-512, two of AVX2, four of SSE2 or NEON.
//
// For kernels that need their sums, maxima and tiles in registers and not where the compiler's vectoriser leaves them;
// on AVX-512 that one also stops at half the register width. Helpers take addresses, because passing such a value to
// another function is not possible before the clone that calls it is chosen.
#pragma once

#include "kernel.h"
#include <stdint.h>

enum { ck_lane_count = 16 };

typedef float ck_lanes __attribute__((ext_vector_type(16)));
typedef int32_t ck_lane_integers __attribute__((ext_vector_type(16)));

// The same in memory, where only elements are aligned.
typedef float ck_packed_lanes __attribute__((ext_vector_type(16), aligned(4)));

CK_INLINE void ck_load(ck_lanes *x, const float *address) { *x = *(const ck_packed_lanes *)address; }
CK_INLINE void ck_store(float *address, const ck_lanes *x) { *(ck_packed_lanes *)address = *x; }

/// The first `count` (at most 16) elements; the other lanes become `rest`.
CK_INLINE void ck_load_first(ck_lanes *x, const float *address, int64_t count, float rest) {
  if (count >= ck_lane_count) {
    ck_load(x, address);
    return;
  }
  // Through memory of its own: indexing the lanes of x would keep x out of the registers everywhere.
  float lanes[ck_lane_count];
  for (int64_t i = 0; i < ck_lane_count; i++) lanes[i] = i < count ? address[i] : rest;
  ck_load(x, lanes);
}

/// Stores the first `count` (at most 16) lanes.
CK_INLINE void ck_store_first(float *address, const ck_lanes *x, int64_t count) {
  if (count >= ck_lane_count) {
    ck_store(address, x);
    return;
  }
  float lanes[ck_lane_count];
  ck_store(lanes, x);
  for (int64_t i = 0; i < count; i++) address[i] = lanes[i];
}

/// The sum of all lanes, in pairs.
CK_INLINE double ck_sum(const ck_lanes *x) {
  double sum[8];
  for (int i = 0; i < 8; i++) sum[i] = (double)(*x)[i] + (double)(*x)[i + 8];
  for (int i = 0; i < 4; i++) sum[i] += sum[i + 4];
  return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

/// The larger of each pair; `x` where `y` is not a number.
CK_INLINE void ck_raise(ck_lanes *x, const ck_lanes *y) { *x = *y > *x ? *y : *x; }

/// The largest lane, lanes that are not a number aside.
CK_INLINE float ck_largest(const ck_lanes *x) {
  float largest = (*x)[0];
  for (int i = 1; i < ck_lane_count; i++) largest = (*x)[i] > largest ? (*x)[i] : largest;
  return largest;
}

/// eˣ in every lane, relative error below 2e-7 for x in [−87.3, 88.3]; 0 below, saturating above, NaN stays NaN.
CK_INLINE void ck_exp_lanes(ck_lanes *x) {
  // x = n·ln 2 + r with |r| ≤ ln 2 / 2. Adding 1.5·2²³ rounds to an integer and leaves it in the low bits.
  // At the lower bound n = −127, whose power of two is 0 here.
  ck_lanes bounded = *x < -88.0f ? (ck_lanes)-88.0f : *x;
  bounded = bounded > 88.3f ? (ck_lanes)88.3f : bounded;
  const ck_lanes shifted = bounded * 1.44269504f + 12582912.0f;
  const ck_lanes n = shifted - 12582912.0f;
  const ck_lanes r = (bounded - n * 0.693359375f) + n * 2.12194440e-4f;
  // A minimax fit (Lawson iteration on Chebyshev nodes).
  ck_lanes p = (ck_lanes)0.001381459878757596f;
  p = p * r + 0.008368716575205326f;
  p = p * r + 0.04166838899254799f;
  p = p * r + 0.1666652113199234f;
  p = p * r + 0.4999999403953552f;
  p = p * r * r + r;
  // A cast between vector types keeps the bits.
  const ck_lanes power = (ck_lanes)(((ck_lane_integers)shifted << 23) + 0x3f800000);
  *x = p * power + power;
}

/// tanh x in every lane, relative error below 2e-7, and its derivative 1 − tanh² x without cancellation. NaN stays NaN.
CK_INLINE void ck_tanh_lanes(ck_lanes *x, ck_lanes *derivative) {
  const ck_lanes magnitude = *x < 0.0f ? -*x : *x;
  // Near 0 an odd polynomial, a minimax fit as well, as what follows would cancel there.
  const ck_lanes s = *x * *x;
  ck_lanes center = (ck_lanes)-0.005704987328499556f;
  center = center * s + 0.0206390880048275f;
  center = center * s - 0.05373971536755562f;
  center = center * s + 0.13331441581249237f;
  center = center * s - 0.3333328068256378f;
  center = center * s * *x + *x;
  // Elsewhere 1 − 2e/(1 + e) with e = e^(−2|x|), and the derivative 4e/(1 + e)².
  ck_lanes e = magnitude * -2.0f;
  ck_exp_lanes(&e);
  const ck_lanes reciprocal = 1.0f / (1.0f + e);
  const ck_lanes tail = 1.0f - 2.0f * e * reciprocal;
  const ck_lanes outer = *x < 0.0f ? -tail : tail;
  *derivative = 4.0f * e * reciprocal * reciprocal;
  *x = magnitude < 0.625f ? center : outer;
}

/// c·tanh(x/c) in every lane, and its derivative.
CK_INLINE void ck_cap_lanes(ck_lanes *x, ck_lanes *derivative, float c) {
  // Rounded whatever follows: what is capped and the maximum of it would differ if one of them were part of a sum.
#pragma clang fp contract(off)
  *x *= 1.0f / c;
  ck_tanh_lanes(x, derivative);
  *x *= c;
}
