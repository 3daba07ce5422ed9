#include "narrow.h"
#include "widen.h"

CK_INLINE void widen(float *target, const char *source, int64_t count, ck_element type, bool half) {
  for (int64_t i = 0; i < count; i += ck_lane_count) {
    ck_lanes x;
    ck_load_first_stored(&x, source + i * ck_element_size(type), count - i, type, half);
    ck_store_first(target + i, &x, count - i);
  }
}

CK_CLONES static void widen_bfloat16(float *target, const void *source, int64_t count) {
  widen(target, source, count, ck_bfloat16, false);
}

static void widen_float16_baseline(float *target, const void *source, int64_t count) {
  widen(target, source, count, ck_float16, ck_baseline_half);
}

#if defined(__x86_64__)
CK_AVX512 static void widen_float16_avx512(float *target, const void *source, int64_t count) {
  widen(target, source, count, ck_float16, true);
}

CK_AVX2 static void widen_float16_avx2(float *target, const void *source, int64_t count) {
  widen(target, source, count, ck_float16, true);
}
#endif

void ck_widen(ck_element type, int64_t count, float *target, const void *source) {
  if (type == ck_bfloat16) widen_bfloat16(target, source, count);
  else CK_BEST_OF(widen_float16)(target, source, count);
}
