// Weights in two bytes each, and how they become float32.
#pragma once

#include <stdint.h>

/// What an element of a stored matrix is.
typedef enum { ck_float32, ck_bfloat16, ck_float16 } ck_element;

/// Bytes of one element.
static inline int64_t ck_element_size(ck_element type) { return type == ck_float32 ? 4 : 2; }

/// target[0 ..< count] = the numbers of a two-byte `type` at `source`, exactly; what is not a number stays none.
void ck_widen(ck_element type, int64_t count, float *target, const void *source);
