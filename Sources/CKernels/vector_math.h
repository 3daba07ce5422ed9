// Elementary functions as straight-line code, so that a loop over them becomes vector instructions. Polynomials are
// minimax fits made for this file (Lawson iteration on Chebyshev nodes).
#pragma once

#include "kernel.h"
#include <stdint.h>
#include <string.h>

/// eˣ, relative error below 2e-7 for x in ±87.3. Saturates outside, at values whose reciprocals are no denormals (they
/// are slow); NaN stays NaN.
CK_INLINE float ck_exp(float x) {
  x = x < -87.3f ? -87.3f : x;
  x = x > 87.3f ? 87.3f : x;
  // x = n·ln 2 + r with |r| ≤ ln 2 / 2. Adding 1.5·2²³ rounds to an integer and leaves it in the low bits.
  const float shifted = x * 1.44269504f + 12582912.0f;
  const float n = shifted - 12582912.0f;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 0.001381459878757596f;
  p = p * r + 0.008368716575205326f;
  p = p * r + 0.04166838899254799f;
  p = p * r + 0.1666652113199234f;
  p = p * r + 0.4999999403953552f;
  p = p * r * r + r;
  int32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  bits = (int32_t)(((uint32_t)bits << 23) + 0x3f800000u);
  float power;
  memcpy(&power, &bits, sizeof power);
  return p * power + power;
}

/// The logistic function 1 / (1 + e⁻ˣ), and 1 minus it without cancellation.
CK_INLINE float ck_logistic(float x, float *complement) {
  const float e = ck_exp(-x), s = 1.0f / (1.0f + e);
  *complement = e * s;
  return s;
}

/// The cumulative distribution of the standard normal, Φ(x) = (1 + erf(x/√2)) / 2. `density_factor` is e^(−x²/2).
/// Relative error below 1e-6 in the lower tail, absolute error below 1e-7 elsewhere.
CK_INLINE float ck_normal_cdf(float x, float density_factor) {
  const float magnitude = x < 0 ? -x : x;
  // Near 0, an odd polynomial: a tail of nearly ½ would carry its rounding error into the result.
  const float s = x * x;
  float center = -6.644860150117893e-06f;
  center = center * s + 0.00011032746260752901f;
  center = center * s - 0.001182709587737918f;
  center = center * s + 0.009971500374376774f;
  center = center * s - 0.06648998707532883f;
  center = center * s + 0.3989422619342804f;
  center = center * x + 0.5f;
  // Elsewhere Φ(−z) = e^(−z²/2)·t·P(t), t = 1 / (1 + 0.4·z/√2), which follows erfcx to 1.2e-7.
  const float t = 1.0f / (1.0f + 0.28284271f * magnitude);
  float tail = -0.05657210201025009f;
  tail = tail * t + 0.11753790080547333f;
  tail = tail * t + 0.008828110061585903f;
  tail = tail * t + 0.10387034714221954f;
  tail = tail * t + 0.1002008244395256f;
  tail = tail * t + 0.11322036385536194f;
  tail = tail * t + 0.1128212958574295f;
  tail = tail * t * density_factor;
  const float outer = x < 0 ? tail : 1.0f - tail;
  return magnitude < 1.25f ? center : outer;
}
