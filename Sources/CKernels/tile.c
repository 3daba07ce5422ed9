#include "tile.h"

#if defined(__x86_64__)
#include <immintrin.h>

CK_AVX512 CK_INLINE void load_first_avx512(ck_lanes *x, const float *address, int64_t count) {
  *x = (ck_lanes)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), address);
}
CK_AVX512 CK_INLINE void store_first_avx512(float *address, const ck_lanes *x, int64_t count) {
  _mm512_mask_storeu_ps(address, (__mmask16)((1u << count) - 1), (__m512)*x);
}

// 24 sums, a line of b and a number of a in 32 registers of 16 lanes.
#define MULTIPLIER multiply_avx512
#define TARGET CK_AVX512
#define LOAD_FIRST load_first_avx512
#define STORE_FIRST store_first_avx512
#define VECTORS 4
#define HEIGHT(vectors) ((vectors) == 4 ? 6 : 8)
#include "tile_multiplier.h"

// Masks of 8 lanes: those that begin 16 − count in take the first `count`.
static const int32_t first_lanes[32] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};

CK_AVX2 CK_INLINE void load_first_avx2(ck_lanes *x, const float *address, int64_t count) {
  const __m256i *masks = (const __m256i *)(first_lanes + ck_lane_count - count);
  const __m256 low = _mm256_maskload_ps(address, _mm256_loadu_si256(masks));
  const __m256 high = _mm256_maskload_ps(address + 8, _mm256_loadu_si256(masks + 1));
  *x = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
CK_AVX2 CK_INLINE void store_first_avx2(float *address, const ck_lanes *x, int64_t count) {
  const __m256i *masks = (const __m256i *)(first_lanes + ck_lane_count - count);
  _mm256_maskstore_ps(address, _mm256_loadu_si256(masks), __builtin_shufflevector(*x, *x, 0, 1, 2, 3, 4, 5, 6, 7));
  _mm256_maskstore_ps(
    address + 8, _mm256_loadu_si256(masks + 1), __builtin_shufflevector(*x, *x, 8, 9, 10, 11, 12, 13, 14, 15));
}

// 12 sums in 16 registers of 8 lanes.
#define MULTIPLIER multiply_avx2
#define TARGET CK_AVX2
#define LOAD_FIRST load_first_avx2
#define STORE_FIRST store_first_avx2
#define VECTORS 1
#define HEIGHT(vectors) 6
#include "tile_multiplier.h"

// 16 registers of 4 lanes (SSE2) hold 3 rows, 32 of them (NEON) 6.
enum { baseline_height = 3 };
#else
enum { baseline_height = 6 };
#endif

CK_INLINE void load_first_baseline(ck_lanes *x, const float *address, int64_t count) {
  ck_load_first(x, address, count, 0);
}

#define MULTIPLIER multiply_baseline
#define TARGET
#define LOAD_FIRST load_first_baseline
#define STORE_FIRST ck_store_first
#define VECTORS 1
#define HEIGHT(vectors) baseline_height
#include "tile_multiplier.h"

ck_tile_multiplier ck_choose_tile_multiplier(void) {
  return CK_BEST_OF(multiply);
}
