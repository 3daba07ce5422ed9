// What every kernel file needs to be compiled once for several instruction sets.
#pragma once

// The loader picks the best of these for the processor at hand: AVX-512, AVX2 with FMA, or plain SSE2. Elsewhere the
// compiler's own target is used.
#if defined(__x86_64__)
#define CK_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CK_CLONES
#endif

// The same by hand, for functions whose versions differ in more than the compiler's choices: NAME_avx512, NAME_avx2 and
// NAME_baseline.
#if defined(__x86_64__)
#define CK_AVX512 __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#define CK_AVX2 __attribute__((target("arch=x86-64-v3")))
#define CK_BEST_OF(NAME) \
  (__builtin_cpu_supports("x86-64-v4") ? NAME##_avx512 \
     : __builtin_cpu_supports("x86-64-v3") ? NAME##_avx2 : NAME##_baseline)
#else
#define CK_BEST_OF(NAME) NAME##_baseline
#endif

// Helpers must be part of the clone that calls them, or they would be compiled for the baseline alone.
#define CK_INLINE static inline __attribute__((always_inline))

// Products and sums may fuse: every clone that has FMA uses it.
#pragma clang fp contract(fast)
