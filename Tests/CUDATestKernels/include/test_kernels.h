// Kernels that show what the emulation of CUDA computes, and what it catches.
#ifndef TEST_KERNELS_H
#define TEST_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { test_value_count = 256 };

typedef struct {
  // What is wrong with the launch; empty when nothing is.
  char error[1024];
  // What the kernel wrote. NaN where it did not.
  float values[test_value_count];
} test_result;

// Launches the kernel of this name.
test_result test_launch(const char *name);

// Whether the address sanitizer is at work: it ends the process where a kernel leaves its memory.
bool test_is_sanitized(void);

#ifdef __cplusplus
}
#endif
#endif
