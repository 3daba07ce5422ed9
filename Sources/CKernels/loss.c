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
  float softcap;  // 0 for none
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

// e^(l − maximum) of 16 logits, and the derivatives of l.
CK_INLINE void exponentiate(const bool capped, ck_lanes *x, ck_lanes *derivative, float softcap, float maximum) {
  *derivative = 1.0f;
  if (capped) ck_cap_lanes(x, derivative, softcap);
  *x -= maximum;
  ck_exp_lanes(x);
}

// Σ e^(l − maximum), not a number if any of x is not. The terms, times the derivatives of l, are left in `terms` unless
// that is NULL.
CK_INLINE double sum_of_exponentials(
  const bool capped, const float *x, int64_t count, float softcap, float maximum, float *terms) {
  ck_lanes total[vectors] = {0}, value, derivative;
  int64_t i = 0;
  for (; i + stripe <= count; i += stripe) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      ck_load(&value, x + i + v * ck_lane_count);
      exponentiate(capped, &value, &derivative, softcap, maximum);
      total[v] += value;
      value *= derivative;
      if (terms) ck_store(terms + i + v * ck_lane_count, &value);
    }
  }
  for (; i < count; i += ck_lane_count) {
    const ck_lanes lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    ck_load_first(&value, x + i, count - i, -INFINITY);
    exponentiate(capped, &value, &derivative, softcap, maximum);
    // What is capped is not −infinity any more.
    if (capped) value = lane < (float)(count - i) ? value : 0.0f;
    total[0] += value;
    value *= derivative;
    if (terms) ck_store_first(terms + i, &value, count - i);
  }
  double sum = 0;
  for (int v = 0; v < vectors; v++) sum += ck_sum(&total[v]);
  return sum;
}

// Of the logits l of a row, as the softmax sees them.
typedef struct {
  float maximum, target, target_derivative;
  double sum;  // Σ e^(l − maximum)
} row_summary;

CK_INLINE row_summary summarize(const rows_of_logits *r, const float *x, float largest, float target, float *terms) {
  if (r->softcap == 0) {
    const double sum = sum_of_exponentials(false, x, r->vocabulary, 0, largest, terms);
    return (row_summary){largest, target, 1, sum};
  }
  // By the code that caps the row, so that the largest is the largest of those.
  float logits[ck_lane_count] = {largest, target}, derivatives[ck_lane_count];
  ck_lanes value, derivative;
  ck_load(&value, logits);
  ck_cap_lanes(&value, &derivative, r->softcap);
  ck_store(logits, &value);
  ck_store(derivatives, &derivative);
  const double sum = sum_of_exponentials(true, x, r->vocabulary, r->softcap, logits[0], terms);
  return (row_summary){logits[0], logits[1], derivatives[1], sum};
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
    const row_summary s = summarize(r, x, row_maximum(x, r->vocabulary), x[target], gradient);
    *loss = (float)(log(s.sum) + ((double)s.maximum - (double)s.target));
    if (!gradient) continue;
    const float factor = (float)((double)r->scale / s.sum);
    for (int64_t j = 0; j < r->vocabulary; j++) gradient[j] *= factor;
    gradient[target] -= r->scale * s.target_derivative;
  }
}

void ck_cross_entropy(
  ck_pool *pool, int64_t rows, int64_t vocabulary, float *losses, int64_t losses_stride, float *logits,
  int64_t logits_stride, const int32_t *targets, int64_t targets_stride, float softcap, bool gradient,
  float scale) {
  rows_of_logits r = {
    .vocabulary = vocabulary, .results = losses, .logits = logits, .gradient = gradient ? logits : NULL,
    .targets = targets, .results_stride = losses_stride, .logits_stride = logits_stride,
    .targets_stride = targets_stride, .softcap = softcap, .scale = scale};
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
    // The likeliest is the largest logit before the cap, which may make equals of neighbours.
    const float largest = row_maximum(x, r->vocabulary);
    const row_summary s = summarize(r, x, largest, x[r->targets[i * r->targets_stride]], NULL);
    r->results[i * r->results_stride] = (float)(((double)s.target - (double)s.maximum) - log(s.sum));
    // An infinite logit makes the sum undefined as well.
    int64_t greedy = isnan(s.sum) ? first_index(x, r->vocabulary, 0, true) : -1;
    if (greedy < 0) greedy = first_index(x, r->vocabulary, largest, false);
    r->greedy[i * r->greedy_stride] = (int32_t)greedy;
  }
}

void ck_log_probabilities(
  ck_pool *pool, int64_t rows, int64_t vocabulary, float *scores, int64_t scores_stride, int32_t *greedy,
  int64_t greedy_stride, const float *logits, int64_t logits_stride, const int32_t *targets, int64_t targets_stride,
  float softcap) {
  rows_of_logits r = {
    .vocabulary = vocabulary, .results = scores, .logits = logits, .targets = targets, .greedy = greedy,
    .results_stride = scores_stride, .logits_stride = logits_stride, .targets_stride = targets_stride,
    .greedy_stride = greedy_stride, .softcap = softcap};
  ck_parallel(pool, rows, 1, log_probability_rows, &r);
}
