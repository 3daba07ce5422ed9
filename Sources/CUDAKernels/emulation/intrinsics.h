// Device functions that need no other thread: arithmetic, bits, cached loads, atomics (one thread runs at a time).
#pragma once

#include "types.h"

// MARK: Arithmetic

inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float rsqrtf(float x) { return 1 / sqrtf(x); }

#define IC_MINIMUM_MAXIMUM(type)                                \
  inline type min(type x, type y) { return x < y ? x : y; }     \
  inline type max(type x, type y) { return x < y ? y : x; }
IC_MINIMUM_MAXIMUM(int)
IC_MINIMUM_MAXIMUM(unsigned)
IC_MINIMUM_MAXIMUM(long)
IC_MINIMUM_MAXIMUM(unsigned long)
IC_MINIMUM_MAXIMUM(long long)
IC_MINIMUM_MAXIMUM(unsigned long long)
#undef IC_MINIMUM_MAXIMUM
inline float min(float x, float y) { return fminf(x, y); }
inline float max(float x, float y) { return fmaxf(x, y); }
inline double min(double x, double y) { return fmin(x, y); }
inline double max(double x, double y) { return fmax(x, y); }

// MARK: Bits

namespace emulation {
template <class To, class From> To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From), "types of one size");
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}
}  // namespace emulation

inline int __float_as_int(float x) { return emulation::bit_cast<int>(x); }
inline unsigned __float_as_uint(float x) { return emulation::bit_cast<unsigned>(x); }
inline float __int_as_float(int x) { return emulation::bit_cast<float>(x); }
inline float __uint_as_float(unsigned x) { return emulation::bit_cast<float>(x); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x ? __builtin_clz(unsigned(x)) : 32; }
inline int __ffs(int x) { return __builtin_ffs(x); }

// MARK: Loads and stores with a hint for the cache

template <class T> T __ldg(const T *address) { return *address; }
template <class T> T __ldcg(const T *address) { return *address; }
template <class T> T __ldcs(const T *address) { return *address; }
template <class T> void __stcg(T *address, T value) { *address = value; }
template <class T> void __stcs(T *address, T value) { *address = value; }

// Addresses of shared memory as inline PTX takes them. Its emulated twins convert back.
inline size_t __cvta_generic_to_shared(const void *address) { return size_t(address); }

// MARK: Atomics

#define IC_ATOMIC(name, type, expression)                    \
  inline type name(type *address, type value) {              \
    const type old = *address;                               \
    *address = (expression);                                 \
    return old;                                              \
  }
IC_ATOMIC(atomicAdd, int, old + value)
IC_ATOMIC(atomicAdd, unsigned, old + value)
IC_ATOMIC(atomicAdd, unsigned long long, old + value)
IC_ATOMIC(atomicAdd, float, old + value)
IC_ATOMIC(atomicMax, int, max(old, value))
IC_ATOMIC(atomicMax, unsigned, max(old, value))
#undef IC_ATOMIC

inline void __threadfence_block() {}
inline void __threadfence() {}
inline void __threadfence_system() {}
