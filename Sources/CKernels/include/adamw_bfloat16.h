// The optimiser with moments of two bytes.
#pragma once

#include "adamw.h"
#include <stdint.h>

/// `ck_adamw` with m and v in bfloat16, computed in float32 and rounded stochastically: to the neighbour below or
/// above, with the probability that makes the result right on average. Which it is depends on `seed` and the element's
/// index alone.
void ck_adamw_bfloat16(
  ck_pool *pool, int64_t count, float *parameters, float *gradients, uint16_t *m, uint16_t *v, uint32_t seed,
  const ck_adamw_step *step);
