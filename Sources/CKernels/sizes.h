// Arithmetic of sizes.
#pragma once

#include <stdint.h>

static inline int64_t ck_least(int64_t a, int64_t b) { return a < b ? a : b; }
/// a / b, rounded up.
static inline int64_t ck_ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }
