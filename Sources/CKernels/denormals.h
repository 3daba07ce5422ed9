// Denormal numbers read and written as zero while kernels run.
//
// Processors handle them in slow paths, and training makes them: Adam's moment of a row that gets no gradient shrinks
// to a denormal within a thousand steps and stays there, since a tenth of it rounds to zero.
#pragma once

#include <stdint.h>

typedef uint64_t ck_float_mode;

static inline ck_float_mode ck_flush_denormals(void) {
#if defined(__x86_64__)
  const ck_float_mode before = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr((unsigned)before | 0x8040);  // flush to zero, denormals are zero
  return before;
#elif defined(__aarch64__)
  ck_float_mode before;
  __asm__ volatile("mrs %0, fpcr" : "=r"(before));
  __asm__ volatile("msr fpcr, %0" : : "r"(before | (ck_float_mode)1 << 24));  // FZ
  return before;
#else
  return 0;
#endif
}

static inline void ck_restore_float_mode(ck_float_mode mode) {
#if defined(__x86_64__)
  __builtin_ia32_ldmxcsr((unsigned)mode);
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"(mode));
#else
  (void)mode;
#endif
}
