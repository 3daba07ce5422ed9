// The functions that activations are made of, sixteen at a time. Polynomials are minimax fits made for this file
// (Lawson iteration on Chebyshev nodes).
#pragma once

#include "lanes.h"

/// log₂ e, which makes powers of e powers of two.
static const float ck_log2_e = 1.44269504f;

/// 2ˣ in every lane, relative error below 2e-7 for x in [−126, 127.4]; 0 from −127 down, NaN stays NaN.
///
/// The one to use where x has the rounding error of a product in it anyway: half the work of ck_exp_lanes, which keeps
/// the last bits of an x that is exact.
CK_INLINE void ck_exp2_lanes(ck_lanes *x) {
  // x = n + r with |r| ≤ ½. Adding 1.5·2²³ rounds to an integer and leaves it in the low bits. At the lower bound the
  // power of two is 0 here.
  const ck_lanes bounded = *x < -127.0f ? (ck_lanes)-127.0f : *x;
  const ck_lanes shifted = bounded + 12582912.0f;
  const ck_lanes r = bounded - (shifted - 12582912.0f);
  ck_lanes p = (ck_lanes)0.001326472731307149f;
  p = p * r + 0.009671512991189957f;
  p = p * r + 0.05550733581185341f;
  p = p * r + 0.24022242426872253f;
  p = p * r + 0.6931470036506653f;
  p = p * r + 1.0f;
  // A cast between vector types keeps the bits.
  *x = p * (ck_lanes)(((ck_lane_integers)shifted << 23) + 0x3f800000);
}

/// s = 1 / (1 + 2⁻ˣ) in every lane, the logistic function of x·ln 2, and its complement 1 − s without cancellation.
/// Callers make log₂ e part of a factor they have.
CK_INLINE void ck_logistic2(const ck_lanes *x, ck_lanes *s, ck_lanes *complement) {
  // Bounded where 1 + 2⁻ˣ is so large that s would be a denormal.
  ck_lanes e = *x < -125.0f ? (ck_lanes)125.0f : -*x;
  ck_exp2_lanes(&e);
  *s = 1.0f / (1.0f + e);
  *complement = e * *s;
}

/// The cumulative distribution of the standard normal, Φ(x) = (1 + erf(x/√2)) / 2, in every lane. `density_factor` is
/// e^(−x²/2). Relative error below 1e-6 in the lower tail, absolute error below 1e-7 elsewhere.
CK_INLINE void ck_normal_cdf(const ck_lanes *x, const ck_lanes *density_factor, ck_lanes *cdf) {
  const ck_lanes magnitude = *x < 0.0f ? -*x : *x;
  // Near 0, an odd polynomial: a tail of nearly ½ would carry its rounding error into the result.
  const ck_lanes s = *x * *x;
  ck_lanes center = (ck_lanes)-6.644860150117893e-06f;
  center = center * s + 0.00011032746260752901f;
  center = center * s - 0.001182709587737918f;
  center = center * s + 0.009971500374376774f;
  center = center * s - 0.06648998707532883f;
  center = center * s + 0.3989422619342804f;
  center = center * *x + 0.5f;
  // Elsewhere Φ(−z) = e^(−z²/2)·t·P(t), t = 1 / (1 + 0.4·z/√2), which follows erfcx to 1.2e-7.
  const ck_lanes t = 1.0f / (1.0f + 0.28284271f * magnitude);
  ck_lanes tail = (ck_lanes)-0.05657210201025009f;
  tail = tail * t + 0.11753790080547333f;
  tail = tail * t + 0.008828110061585903f;
  tail = tail * t + 0.10387034714221954f;
  tail = tail * t + 0.1002008244395256f;
  tail = tail * t + 0.11322036385536194f;
  tail = tail * t + 0.1128212958574295f;
  tail = tail * t * *density_factor;
  const ck_lanes outer = *x < 0.0f ? tail : 1.0f - tail;
  *cdf = magnitude < 1.25f ? center : outer;
}
