// CUDA's qualifiers, vector types and bfloat16, with the names and the layout that CUDA gives them.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(bytes) alignas(bytes)

// One block runs at a time, so static shared memory can be static memory. All of it lies in one section, to be poisoned
// before a block runs; under the address sanitizer it is left where that puts red zones around each array.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IC_EMULATION_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define IC_EMULATION_ASAN 1
#endif
#if defined(__clang__) && defined(__ELF__) && !defined(IC_EMULATION_ASAN)
#define IC_EMULATION_SHARED_SECTION 1
#define __shared__ static __attribute__((section("ic_emulated_shared")))
#else
#define __shared__ static
#endif

struct uint3 {
  unsigned x, y, z;
};

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

// Vectors are as strictly aligned as on the device, where a misaligned access is an error: UBSan reports it here.
#define IC_VECTOR2(name, type, alignment)      \
  struct alignas(alignment) name {             \
    type x, y;                                 \
  };                                           \
  inline name make_##name(type x, type y) {    \
    return name{x, y};                         \
  }
#define IC_VECTOR4(name, type, alignment)                        \
  struct alignas(alignment) name {                               \
    type x, y, z, w;                                             \
  };                                                             \
  inline name make_##name(type x, type y, type z, type w) {      \
    return name{x, y, z, w};                                     \
  }
IC_VECTOR2(float2, float, 8)
IC_VECTOR2(int2, int, 8)
IC_VECTOR2(uint2, unsigned, 8)
IC_VECTOR4(float4, float, 16)
IC_VECTOR4(int4, int, 16)
IC_VECTOR4(uint4, unsigned, 16)
#undef IC_VECTOR2
#undef IC_VECTOR4

struct __nv_bfloat16 {
  uint16_t bits;

  __nv_bfloat16() = default;
  __nv_bfloat16(float value) : bits(rounded(value)) {}
  __nv_bfloat16(double value) : bits(rounded(float(value))) {}
  __nv_bfloat16(int value) : bits(rounded(float(value))) {}
  operator float() const {
    const uint32_t wide = uint32_t(bits) << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
  }

private:
  // To nearest, ties to even; every NaN becomes CUDA's canonical one.
  static uint16_t rounded(float value) {
    if (value != value) return 0x7fff;
    uint32_t wide;
    memcpy(&wide, &value, sizeof wide);
    return uint16_t((wide + 0x7fff + (wide >> 16 & 1)) >> 16);
  }
};

struct alignas(4) __nv_bfloat162 {
  __nv_bfloat16 x, y;
};

inline __nv_bfloat16 __float2bfloat16(float value) { return value; }
inline __nv_bfloat16 __float2bfloat16_rn(float value) { return value; }
inline float __bfloat162float(__nv_bfloat16 value) { return value; }
inline __nv_bfloat162 __halves2bfloat162(__nv_bfloat16 x, __nv_bfloat16 y) { return {x, y}; }
inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) { return {x, y}; }
inline __nv_bfloat162 __float22bfloat162_rn(float2 value) { return {value.x, value.y}; }
inline __nv_bfloat162 __float2bfloat162_rn(float value) { return {value, value}; }
inline __nv_bfloat162 __bfloat162bfloat162(__nv_bfloat16 value) { return {value, value}; }
inline float2 __bfloat1622float2(__nv_bfloat162 value) { return {value.x, value.y}; }
inline float __low2float(__nv_bfloat162 value) { return value.x; }
inline float __high2float(__nv_bfloat162 value) { return value.y; }
inline __nv_bfloat16 __low2bfloat16(__nv_bfloat162 value) { return value.x; }
inline __nv_bfloat16 __high2bfloat16(__nv_bfloat162 value) { return value.y; }
inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 value) { return value.bits; }
inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short bits) {
  __nv_bfloat16 value;
  value.bits = bits;
  return value;
}
