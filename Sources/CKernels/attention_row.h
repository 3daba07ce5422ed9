// One query against keys and values, for queries that are too few to fill lanes: lanes run along head_dim instead.
#pragma once

#include "attention_block.h"

enum { ck_prefetch_rows = 16 };  // those of one head are too far apart for the processor to see the pattern

/// q·rows[i] for `count` rows, −infinity in the lanes after them.
CK_INLINE void ck_score_rows(
  ck_lanes *scores, const float *q, const float *rows, int64_t stride, int64_t count, int64_t head_dim) {
  ck_lanes x[ck_lane_count];
  for (int64_t i = 0; i < ck_lane_count; i++) {
    ck_lanes sum = i < count ? 0.0f : -__builtin_inff();
    for (int64_t d = 0; i < count && d < head_dim; d += ck_lane_count) {
      ck_lanes left, right;
      ck_load_first(&left, q + d, head_dim - d, 0);
      ck_load_first(&right, rows + i * stride + d, head_dim - d, 0);
      __builtin_prefetch(rows + (i + ck_prefetch_rows) * stride + d);
      sum += left * right;
    }
    x[i] = sum;
  }
  ck_transpose(x);
  *scores = x[0];
  for (int i = 1; i < ck_lane_count; i++) *scores += x[i];
}

/// output = output·factor + Σ weights[i]·rows[i], for `vectors` vectors of columns, of which the last has `lanes`.
CK_INLINE void ck_add_rows(
  const int vectors, float *output, float factor, const float *weights, const float *rows, int64_t stride,
  int64_t count, int64_t lanes) {
  ck_lanes sum[4], x;
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    ck_load(&sum[v], output + v * ck_lane_count);
    sum[v] *= factor;
  }
  for (int64_t i = 0; i < count; i++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      ck_load_first(&x, rows + i * stride + v * ck_lane_count, lanes, 0);
      __builtin_prefetch(rows + (i + ck_prefetch_rows) * stride + v * ck_lane_count);
      sum[v] += weights[i] * x;
    }
  }
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) ck_store(output + v * ck_lane_count, &sum[v]);
}

/// The running softmax of one query. Outputs are relative to `maximum` and not yet divided by `total`.
typedef struct {
  float maximum;
  double total;
} ck_running;

/// Caps the scores of one query and adds slope·distance in the first `keys` lanes; −infinity stays in the others.
/// `distance` is how far the key of lane 0 is after the query.
CK_INLINE void ck_bend_row(
  const ck_attention_shape *shape, int64_t head, ck_lanes *scores, int64_t keys, int64_t distance) {
  const ck_lanes lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  ck_lanes x = *scores, derivative;
  if (shape->softcap > 0) ck_cap_lanes(&x, &derivative, shape->softcap);
  if (shape->slopes) x += shape->slopes[head] * ((float)distance + lane);
  *scores = lane < (float)keys ? x : *scores;
}

/// Takes `keys` (at most ck_block_keys) more keys and values into account; the first key is `distance` after the query.
CK_INLINE void ck_attend_keys(
  const ck_attention_shape *shape, int64_t head, ck_running *state, float *output, const float *q, const float *k,
  int64_t k_stride, const float *v, int64_t v_stride, int64_t keys, int64_t distance) {
  const int64_t head_dim = shape->head_dim;
  ck_lanes x[ck_block_keys / ck_lane_count], largest = state->maximum, sum = 0.0f;
  for (int64_t i = 0; i < keys; i += ck_lane_count) {
    ck_lanes *scores = &x[i / ck_lane_count];
    ck_score_rows(scores, q, k + i * k_stride, k_stride, keys - i, head_dim);
    *scores *= shape->scale;
    if (ck_is_bent(shape)) ck_bend_row(shape, head, scores, keys - i, distance + i);
    ck_raise(&largest, scores);
  }
  const float maximum = ck_largest(&largest);
  ck_lanes factor = state->maximum - maximum;
  ck_exp_lanes(&factor);
  float weights[ck_block_keys];
  for (int64_t i = 0; i < keys; i += ck_lane_count) {
    ck_lanes weight = x[i / ck_lane_count] - maximum;
    ck_exp_lanes(&weight);
    sum += weight;
    ck_store(weights + i, &weight);
  }
  state->maximum = maximum;
  state->total = state->total * factor[0] + ck_sum(&sum);
  int64_t d = 0;
  for (; d + 64 <= head_dim; d += 64) ck_add_rows(4, output + d, factor[0], weights, v + d, v_stride, keys, 16);
  for (; d < head_dim; d += ck_lane_count) {
    ck_add_rows(1, output + d, factor[0], weights, v + d, v_stride, keys, head_dim - d);
  }
}
