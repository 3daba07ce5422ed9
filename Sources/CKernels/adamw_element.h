// One AdamW update, however the moments are stored.
#pragma once

#include "adamw.h"
#include "kernel.h"

#include <math.h>

/// Updates one parameter and both of its moments, and sets its gradient to zero.
CK_INLINE void ck_adamw_element(
  float *parameter, float *gradient, float *mean, float *square, const ck_adamw_step *s) {
  const float scaled = *gradient * s->gradient_scale;
  *mean += s->one_minus_beta1 * (scaled - *mean);
  *square = *square * s->beta2 + s->one_minus_beta2 * scaled * scaled;
  const float denominator = sqrtf(*square) / s->root_bias_correction2 + s->epsilon;
  *parameter = *parameter * s->decay - s->step_size * (*mean / denominator);
  *gradient = 0;
}
