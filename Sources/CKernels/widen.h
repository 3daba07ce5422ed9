// Stored numbers as float32, sixteen at a time.
//
// float16 is read by an instruction where the caller's clone has one: `half`, a constant, says so. Processors before
// F16C have none, and the compiler would call a function for every number.
#pragma once

#include "lanes.h"
#include "narrow.h"
#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__)
enum { ck_baseline_half = false };
#else
enum { ck_baseline_half = true };
#endif

typedef uint16_t ck_narrow_lanes __attribute__((ext_vector_type(16), aligned(2)));
typedef _Float16 ck_half_lanes __attribute__((ext_vector_type(16), aligned(2)));

CK_INLINE void ck_widen_float16(ck_lanes *x, const ck_lane_integers *stored) {
  const ck_lane_integers sign = (*stored & 0x8000) << 16, magnitude = (*stored & 0x7fff) << 13;
  // The exponent's bias is 15 here and 127 there. One of ones stays one of ones: an infinity, or with a fraction what is
  // not a number, which becomes a quiet one, as by the instruction.
  const ck_lane_integers normal = magnitude + (112 << 23);
  const ck_lane_integers special =
    magnitude | 0x7f800000 | (magnitude > 0x7c00 << 13 ? (ck_lane_integers)0x400000 : (ck_lane_integers)0);
  // A subnormal m·2⁻²⁴ is (2⁻¹⁴ + m·2⁻²⁴) − 2⁻¹⁴: no operand is a denormal float, which would count as zero.
  const ck_lane_integers base = (ck_lane_integers)(113 << 23);
  const ck_lane_integers subnormal = (ck_lane_integers)((ck_lanes)(base + magnitude) - (ck_lanes)base);
  const ck_lane_integers finite = magnitude < 0x0400 << 13 ? subnormal : normal;
  *x = (ck_lanes)(sign | (magnitude >= 0x7c00 << 13 ? special : finite));
}

/// Sixteen numbers of a constant `type`.
CK_INLINE void ck_load_stored(ck_lanes *x, const void *address, ck_element type, bool half) {
  if (type == ck_float32) {
    ck_load(x, address);
  } else if (type == ck_float16 && half) {
    *x = __builtin_convertvector(*(const ck_half_lanes *)address, ck_lanes);
  } else {
    const ck_lane_integers stored = __builtin_convertvector(*(const ck_narrow_lanes *)address, ck_lane_integers);
    if (type == ck_bfloat16) *x = (ck_lanes)(stored << 16);
    else ck_widen_float16(x, &stored);
  }
}

/// The first `count` (at most 16) numbers; the other lanes become 0.
CK_INLINE void ck_load_first_stored(ck_lanes *x, const void *address, int64_t count, ck_element type, bool half) {
  if (count >= ck_lane_count) {
    ck_load_stored(x, address, type, half);
    return;
  }
  _Alignas(64) char numbers[ck_lane_count * sizeof(float)] = {0};
  memcpy(numbers, address, (size_t)(count * ck_element_size(type)));
  ck_load_stored(x, numbers, type, half);
}
