// Cross entropy and log-probabilities of rows of logits.
#pragma once

#include "parallel.h"
#include <stdbool.h>

/// losses[i] = −log softmax(l)[targets[i]], or 0 where targets[i] < 0. With c = `softcap`, l is c·tanh(logits[i]/c),
/// and logits[i] itself if c is 0. With `gradient`, logits are overwritten by their gradient times `scale`: without a
/// softcap (softmax − one-hot)·scale. In rows without a target it is 0.
void ck_cross_entropy(
  ck_pool *pool, int64_t rows, int64_t vocabulary, float *losses, int64_t losses_stride, float *logits,
  int64_t logits_stride, const int32_t *targets, int64_t targets_stride, float softcap, bool gradient, float scale);

/// scores[i] = log softmax(l)[targets[i]] with the l of ck_cross_entropy; greedy[i] = index of the first largest logit,
/// or of the first that is not a number.
void ck_log_probabilities(
  ck_pool *pool, int64_t rows, int64_t vocabulary, float *scores, int64_t scores_stride, int32_t *greedy,
  int64_t greedy_stride, const float *logits, int64_t logits_stride, const int32_t *targets, int64_t targets_stride,
  float softcap);
