// Attention of queries to keys and values wherever those are.
#pragma once

#include "attention_block.h"

typedef struct {
  ck_attention_shape shape;
  const float *q, *k, *v;
  int64_t q_stride, k_stride, v_stride;
  int64_t capacity;        // rows of a sequence in k and v
  int64_t position;        // of the first query
  float *y, *log_sum_exp;  // log_sum_exp may be NULL
  int64_t y_stride, log_sum_exp_stride;
  ck_pool *pool;
} ck_attention_forward;

/// Replaces scores by e^(score − maximum), and brings the running maximum and sum of 16 queries up to date. What was
/// summed under the old maximum has to be multiplied by `rescale`.
CK_INLINE void ck_weigh(
  float *scores, int64_t width, int64_t keys, ck_lanes *maximum, ck_lanes *total, float *rescale) {
  ck_lanes largest[4] = {*maximum, *maximum, *maximum, *maximum}, x;
  int64_t key = 0;
  for (; key + 4 <= keys; key += 4) {
#pragma clang loop unroll(full)
    for (int u = 0; u < 4; u++) {
      ck_load(&x, scores + (key + u) * width);
      ck_raise(&largest[u], &x);
    }
  }
  for (; key < keys; key++) {
    ck_load(&x, scores + key * width);
    ck_raise(&largest[0], &x);
  }
  ck_raise(&largest[0], &largest[1]);
  ck_raise(&largest[2], &largest[3]);
  ck_raise(&largest[0], &largest[2]);

  ck_lanes factor = *maximum - largest[0], sum = 0.0f;
  ck_exp_lanes(&factor);
  for (key = 0; key < keys; key++) {
    ck_load(&x, scores + key * width);
    x -= largest[0];
    ck_exp_lanes(&x);
    ck_store(scores + key * width, &x);
    sum += x;
  }
  *maximum = largest[0];
  *total = *total * factor + sum;
  ck_store(rescale, &factor);
}

/// Every query to the keys of its position and before that its window reaches, in blocks of queries.
void ck_attend(const ck_attention_forward *attention);
