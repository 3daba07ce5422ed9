// The optimiser.
#pragma once

#include "parallel.h"
#include <stdbool.h>

/// Σ x² over `count` elements, in blocks whose borders and order depend on `count` alone; blocks are added in double
/// precision.
double ck_sum_of_squares(ck_pool *pool, const float *x, int64_t count);

/// What one AdamW step needs, all of it known before the first element.
typedef struct {
  float gradient_scale;  // clip factor
  float decay;           // 1 − learning rate · weight decay
  float one_minus_beta1;
  float beta2, one_minus_beta2;
  float step_size;                   // learning rate / (1 − β₁ᵗ)
  float root_bias_correction2;       // √(1 − β₂ᵗ)
  float epsilon;
} ck_adamw_step;

/// One AdamW step (Loshchilov and Hutter, arXiv 1711.05101) over `count` elements, in the order of PyTorch's
/// single-tensor implementation. Sets the gradients to zero.
void ck_adamw(
  ck_pool *pool, int64_t count, float *parameters, float *gradients, float *m, float *v, const ck_adamw_step *step);
