#include "loss.h"
#include "lanes.h"

#include <math.h>
#include <string.h>

// Maxima and sums run in 64 lanes: short chains in the processor, and short sums in rounding.
enum { vectors = 4, stripe = vectors * ck_lane_count };

typedef struct {
  int64_t vocabulary;
  float *results;  // losses or scores
  const float *logits;
  float *gradient;  // the logits again, where they are to be overwritten
  const int32_t *targets;
  int32_t *greedy;
  int64_t results_stride, logits_stride, targets_stride, greedy_stride;
  float scale;
} rows_of_logits;

// Largest of x; what is not a number is passed over.
CK_INLINE float row_maximum(const float *x, int64_t count) {
  ck_lanes largest[vectors], value;
  for (int v = 0; v < vectors; v++) largest[v] = -INFINITY;
  int64_t i = 0;
  for (; i + stripe <= count; i += stripe) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      ck_load(&value, x + i + v * ck_lane_count);
      ck_raise(&largest[v], &value);
    }
  }
  for (; i < count; i += ck_lane_count) {
    ck_load_first(&value, x + i, count - i, -INFINITY);
    ck_raise(&largest[0], &value);
  }
  for (int v = 1; v < vectors; v++) ck_raise(&largest[0], &largest[v]);
  return ck_largest(&largest[0]);
}

// Σ e^(x − maximum), not a number if any of x is not. The terms are left in `terms` unless that is NULL.
CK_INLINE double sum_of_exponentials(const float *x, int64_t count, float maximum, float *terms) {
  ck_lanes total[vectors] = {0}, value;
  int64_t i = 0;
  for (; i + stripe <= count; i += stripe) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      ck_load(&value, x + i + v * ck_lane_count);
      value -= maximum;
      ck_exp_lanes(&value);
      if (terms) ck_store(terms + i + v * ck_lane_count, &value);
      total[v] += value;
    }
  }
  for (; i < count; i += ck_lane_count) {
    ck_load_first(&value, x + i, count - i, -INFINITY);
    value -= maximum;
    ck_exp_lanes(&value);
    if (terms) ck_store_first(terms + i, &value, count - i);
    total[0] += value;
  }
  double sum = 0;
  for (int v = 0; v < vectors; v++) sum += ck_sum(&total[v]);
  return sum;
}

CK_CLONES static void cross_entropy_rows(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const rows_of_logits *r = context;
  for (int64_t i = begin; i < end; i++) {
    const float *x = r->logits + i * r->logits_stride;
    float *gradient = r->gradient ? r->gradient + i * r->logits_stride : NULL;
    const int32_t target = r->targets[i * r->targets_stride];
    float *loss = r->results + i * r->results_stride;
    if (target < 0) {
      *loss = 0;
      if (gradient) memset(gradient, 0, (size_t)r->vocabulary * sizeof(float));
      continue;
    }
    const float target_logit = x[target];
    const float maximum = row_maximum(x, r->vocabulary);
    const double sum = sum_of_exponentials(x, r->vocabulary, maximum, gradient);
    *loss = (float)(log(sum) + ((double)maximum - (double)target_logit));
    if (!gradient) continue;
    const float factor = (float)((double)r->scale / sum);
    for (int64_t j = 0; j < r->vocabulary; j++) gradient[j] *= factor;
    gradient[target] -= r->scale;
  }
}

void ck_cross_entropy(
  ck_pool *pool, int64_t rows, int64_t vocabulary, float *losses, int64_t losses_stride, float *logits,
  int64_t logits_stride, const int32_t *targets, int64_t targets_stride, bool gradient, float scale) {
  rows_of_logits r = {
    .vocabulary = vocabulary, .results = losses, .logits = logits, .gradient = gradient ? logits : NULL,
    .targets = targets, .results_stride = losses_stride, .logits_stride = logits_stride,
    .targets_stride = targets_stride, .scale = scale};
  ck_parallel(pool, rows, 1, cross_entropy_rows, &r);
}

// Index of the first element that equals `value`, or with `nan` of the first that is not a number; −1 if there is none.
CK_INLINE int64_t first_index(const float *x, int64_t count, float value, const bool nan) {
  for (int64_t i = 0; i < count; i += stripe) {
    const int64_t end = i + stripe < count ? i + stripe : count;
    int found = 0;
    for (int64_t j = i; j < end; j++) found |= nan ? x[j] != x[j] : x[j] == value;
    for (int64_t j = i; found && j < end; j++) {
      if (nan ? x[j] != x[j] : x[j] == value) return j;
    }
  }
  return -1;
}

CK_CLONES static void log_probability_rows(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const rows_of_logits *r = context;
  for (int64_t i = begin; i < end; i++) {
    const float *x = r->logits + i * r->logits_stride;
    const float maximum = row_maximum(x, r->vocabulary);
    const double sum = sum_of_exponentials(x, r->vocabulary, maximum, NULL);
    const float target_logit = x[r->targets[i * r->targets_stride]];
    r->results[i * r->results_stride] = (float)(((double)target_logit - (double)maximum) - log(sum));
    // An infinite logit makes the sum undefined as well.
    int64_t greedy = isnan(sum) ? first_index(x, r->vocabulary, 0, true) : -1;
    if (greedy < 0) greedy = first_index(x, r->vocabulary, maximum, false);
    r->greedy[i * r->greedy_stride] = (int32_t)greedy;
  }
}

void ck_log_probabilities(
  ck_pool *pool, int64_t rows, int64_t vocabulary, float *scores, int64_t scores_stride, int32_t *greedy,
  int64_t greedy_stride, const float *logits, int64_t logits_stride, const int32_t *targets, int64_t targets_stride) {
  rows_of_logits r = {
    .vocabulary = vocabulary, .results = scores, .logits = logits, .targets = targets, .greedy = greedy,
    .results_stride = scores_stride, .logits_stride = logits_stride, .targets_stride = targets_stride,
    .greedy_stride = greedy_stride};
  ck_parallel(pool, rows, 1, log_probability_rows, &r);
}
