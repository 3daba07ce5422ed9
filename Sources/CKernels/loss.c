#include "loss.h"
#include "vector_math.h"

#include <math.h>
#include <string.h>

// Maxima and sums run in 64 lanes: short chains in the processor, and short sums in rounding. A row is worked through
// in pieces that stay in the first-level cache between their maximum and their exponentials.
enum { vectors = 4, stripe = vectors * ck_lane_count, shortest_piece = 32 * stripe, most_pieces = 256 };

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
CK_INLINE float largest_of(const float *x, int64_t count) {
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

// e^(l − reference) of 16 logits, and the derivatives of l.
CK_INLINE void exponentiate(const bool capped, ck_lanes *x, ck_lanes *derivative, float softcap, float reference) {
  *derivative = 1.0f;
  if (capped) ck_cap_lanes(x, derivative, softcap);
  *x = (*x - reference) * ck_log2_e;
  ck_exp2_lanes(x);
}

// Σ e^(l − reference), not a number if any of x is not. The terms, times the derivatives of l, are left in `terms`
// unless that is NULL.
CK_INLINE double sum_of_exponentials(
  const bool capped, const float *x, int64_t count, float softcap, float reference, float *terms) {
  ck_lanes total[vectors] = {0}, value, derivative;
  int64_t i = 0;
  for (; i + stripe <= count; i += stripe) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      ck_load(&value, x + i + v * ck_lane_count);
      __builtin_prefetch(x + i + v * ck_lane_count + shortest_piece);  // the next piece, while this one computes
      exponentiate(capped, &value, &derivative, softcap, reference);
      total[v] += value;
      value *= derivative;
      if (terms) ck_store(terms + i + v * ck_lane_count, &value);
    }
  }
  for (; i < count; i += ck_lane_count) {
    const ck_lanes lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    ck_load_first(&value, x + i, count - i, -INFINITY);
    exponentiate(capped, &value, &derivative, softcap, reference);
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

// One logit as the softmax sees it, by the code that caps the others, so that the largest is the largest of those.
CK_INLINE float softmax_logit(const rows_of_logits *r, float logit, float *derivative) {
  *derivative = 1;
  if (r->softcap == 0) return logit;
  ck_lanes value = logit, slope;
  ck_cap_lanes(&value, &slope, r->softcap);
  *derivative = slope[0];
  return value[0];
}

// What one reading of a row finds of its logits l.
typedef struct {
  int64_t piece;                  // elements of a piece; the last may have fewer
  float references[most_pieces];  // what the terms of a piece are relative to: the largest l so far
  float maximum;                  // the largest l
  double sum;                     // Σ e^(l − maximum)
  float largest;                  // the largest logit, what is not a number aside, and the first piece that has it
  int64_t largest_piece;
} row_summary;

// As long as there is nothing but −infinity, every term is 0.
CK_INLINE float finite_reference(float reference) { return reference == -INFINITY ? 0 : reference; }

// With `terms`, they become e^(l − reference) times the derivative of l.
CK_INLINE void summarize_pieces(
  const bool capped, const rows_of_logits *r, const float *x, float *terms, row_summary *s) {
  const int64_t count = r->vocabulary, even = (count + most_pieces - 1) / most_pieces;
  float slope;
  s->piece = even > shortest_piece ? (even + stripe - 1) / stripe * stripe : shortest_piece;
  s->largest = -INFINITY;
  s->maximum = softmax_logit(r, s->largest, &slope);
  s->sum = 0;
  s->largest_piece = 0;
  for (int64_t first = 0, p = 0; first < count; first += s->piece, p++) {
    const int64_t length = count - first < s->piece ? count - first : s->piece;
    const float largest = largest_of(x + first, length);
    if (largest > s->largest) {
      const float before = s->maximum;
      s->largest = largest;
      s->largest_piece = p;
      s->maximum = softmax_logit(r, largest, &slope);
      s->sum *= exp((double)before - (double)s->maximum);
    }
    s->references[p] = s->maximum;
    const float reference = finite_reference(s->maximum);
    s->sum += terms ? sum_of_exponentials(capped, x + first, length, r->softcap, reference, terms + first)
                    : sum_of_exponentials(capped, x + first, length, r->softcap, reference, NULL);
  }
}

CK_INLINE void summarize(const rows_of_logits *r, const float *x, float *terms, row_summary *s) {
  if (r->softcap == 0) {
    summarize_pieces(false, r, x, terms, s);
  } else {
    summarize_pieces(true, r, x, terms, s);
  }
}

// Makes a row's terms its gradient.
CK_INLINE void finish_gradient(const rows_of_logits *r, float *terms, const row_summary *s) {
  for (int64_t first = 0, p = 0; first < r->vocabulary; first += s->piece, p++) {
    const int64_t end = first + s->piece < r->vocabulary ? first + s->piece : r->vocabulary;
    const double share = s->references[p] == -INFINITY ? 1 : exp((double)s->references[p] - (double)s->maximum);
    const float factor = (float)((double)r->scale / s->sum * share);
    for (int64_t j = first; j < end; j++) terms[j] *= factor;
  }
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
    float slope;
    const float wanted = softmax_logit(r, x[target], &slope);
    row_summary s;
    summarize(r, x, gradient, &s);
    *loss = (float)(log(s.sum) + ((double)s.maximum - (double)wanted));
    if (!gradient) continue;
    finish_gradient(r, gradient, &s);
    gradient[target] -= r->scale * slope;
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
    float slope;
    const float wanted = softmax_logit(r, x[r->targets[i * r->targets_stride]], &slope);
    row_summary s;
    summarize(r, x, NULL, &s);
    r->results[i * r->results_stride] = (float)(((double)wanted - (double)s.maximum) - log(s.sum));
    // The likeliest is the largest logit before the cap, which may make equals of neighbours. An infinite logit makes
    // the sum undefined as well as one that is not a number.
    int64_t greedy = isnan(s.sum) ? first_index(x, r->vocabulary, 0, true) : -1;
    if (greedy < 0) {
      const int64_t first = s.largest_piece * s.piece;
      greedy = first + first_index(x + first, r->vocabulary - first, s.largest, false);
    }
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
