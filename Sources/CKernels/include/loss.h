// Cross entropy and log-probabilities of rows of logits.
#pragma once

#include "parallel.h"
#include <stdbool.h>

/// losses[i] = −log softmax(logits[i])[targets[i]], or 0 where targets[i] < 0. With `gradient`, logits are overwritten
/// by (softmax − one-hot)·scale, and by 0 in rows without a target.
void ck_cross_entropy(
  ck_pool *pool, int64_t rows, int64_t vocabulary, float *losses, int64_t losses_stride, float *logits,
  int64_t logits_stride, const int32_t *targets, int64_t targets_stride, bool gradient, float scale);

/// scores[i] = log softmax(logits[i])[targets[i]]; greedy[i] = index of the first largest logit, or of the first that
/// is not a number.
void ck_log_probabilities(
  ck_pool *pool, int64_t rows, int64_t vocabulary, float *scores, int64_t scores_stride, int32_t *greedy,
  int64_t greedy_stride, const float *logits, int64_t logits_stride, const int32_t *targets, int64_t targets_stride);
