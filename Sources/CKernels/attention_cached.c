#include "attention_forward.h"

#include <string.h>

enum {
  fewest_block_rows = 4,   // fewer new rows leave most lanes of a block of queries empty
  prefetch_distance = 16,  // rows; those of one head are too far apart for the processor to see the pattern
};

typedef struct {
  const ck_attention_shape *shape;
  const float *qkv;
  float *keys, *values;
  int64_t qkv_stride, keys_stride, values_stride, capacity, position;
} cache_update;

static void append_rows(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const cache_update *u = context;
  const int64_t length = u->shape->length, width = u->shape->kv_heads * u->shape->head_dim;
  for (int64_t i = begin; i < end; i++) {
    const float *k = u->qkv + i * u->qkv_stride + u->shape->heads * u->shape->head_dim;
    const int64_t row = i / length * u->capacity + u->position + i % length;
    memcpy(u->keys + row * u->keys_stride, k, (size_t)width * sizeof(float));
    memcpy(u->values + row * u->values_stride, k + width, (size_t)width * sizeof(float));
  }
}

// q·rows[i] for `count` rows, −infinity in the lanes after them.
CK_INLINE void score_rows(
  ck_lanes *scores, const float *q, const float *rows, int64_t stride, int64_t count, int64_t head_dim) {
  ck_lanes x[ck_lane_count];
  for (int64_t i = 0; i < ck_lane_count; i++) {
    ck_lanes sum = i < count ? 0.0f : -__builtin_inff();
    for (int64_t d = 0; i < count && d < head_dim; d += ck_lane_count) {
      ck_lanes left, right;
      ck_load_first(&left, q + d, head_dim - d, 0);
      ck_load_first(&right, rows + i * stride + d, head_dim - d, 0);
      __builtin_prefetch(rows + (i + prefetch_distance) * stride + d);
      sum += left * right;
    }
    x[i] = sum;
  }
  ck_transpose(x);
  *scores = x[0];
  for (int i = 1; i < ck_lane_count; i++) *scores += x[i];
}

// output = output·factor + Σ weights[i]·rows[i], for `vectors` vectors of columns, of which the last has `lanes`.
CK_INLINE void add_rows(
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
      __builtin_prefetch(rows + (i + prefetch_distance) * stride + v * ck_lane_count);
      sum[v] += weights[i] * x;
    }
  }
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) ck_store(output + v * ck_lane_count, &sum[v]);
}

// The running softmax of one query. Outputs are relative to `maximum` and not yet divided by `total`.
typedef struct {
  float maximum;
  double total;
} running;

// Caps the scores of one query and adds slope·distance in the first `keys` lanes; −infinity stays in the others.
// `distance` is how far the key of lane 0 is after the query.
CK_INLINE void bend(const ck_attention_shape *shape, int64_t head, ck_lanes *scores, int64_t keys, int64_t distance) {
  const ck_lanes lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  ck_lanes x = *scores, derivative;
  if (shape->softcap > 0) ck_cap_lanes(&x, &derivative, shape->softcap);
  if (shape->slopes) x += shape->slopes[head] * ((float)distance + lane);
  *scores = lane < (float)keys ? x : *scores;
}

// Takes `keys` (at most ck_block_keys) more keys and values into account; the first key is `distance` after the query.
// Here lanes run along head_dim.
CK_INLINE void attend_keys(
  const ck_attention_forward *a, int64_t head, running *state, float *output, const float *q, const float *k,
  const float *v, int64_t keys, int64_t distance) {
  const int64_t head_dim = a->shape.head_dim;
  ck_lanes x[ck_block_keys / ck_lane_count], largest = state->maximum, sum = 0.0f;
  for (int64_t i = 0; i < keys; i += ck_lane_count) {
    ck_lanes *scores = &x[i / ck_lane_count];
    score_rows(scores, q, k + i * a->k_stride, a->k_stride, keys - i, head_dim);
    *scores *= a->shape.scale;
    if (ck_is_bent(&a->shape)) bend(&a->shape, head, scores, keys - i, distance + i);
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
  for (; d + 64 <= head_dim; d += 64) add_rows(4, output + d, factor[0], weights, v + d, a->v_stride, keys, 16);
  for (; d < head_dim; d += ck_lane_count) {
    add_rows(1, output + d, factor[0], weights, v + d, a->v_stride, keys, head_dim - d);
  }
}

// y of `count` heads of one row that share keys and values, which are read once for all of them.
CK_INLINE void attend_group(const ck_attention_forward *a, int64_t row, int64_t head, int64_t count, float *scratch) {
  const int64_t head_dim = a->shape.head_dim, padded = ck_padded(head_dim), length = a->shape.length;
  const int64_t position = a->position + row % length;
  const int64_t first = row / length * a->capacity, column = ck_kv_column(&a->shape, head);
  const float *q = a->q + row * a->q_stride + head * head_dim;
  const float *k = a->k + first * a->k_stride + column, *v = a->v + first * a->v_stride + column;
  running *states = (running *)(scratch + count * padded);
  memset(scratch, 0, (size_t)(count * padded) * sizeof(float));
  for (int64_t i = 0; i < count; i++) states[i] = (running){.maximum = -__builtin_inff()};

  for (int64_t key = ck_first_key(&a->shape, row / length, position); key <= position; key += ck_block_keys) {
    const int64_t left = position + 1 - key, keys = left < ck_block_keys ? left : ck_block_keys;
    for (int64_t i = 0; i < count; i++) {
      attend_keys(
        a, head + i, &states[i], scratch + i * padded, q + i * head_dim, k + key * a->k_stride, v + key * a->v_stride,
        keys, key - position);
    }
  }
  float *y = a->y + row * a->y_stride + head * head_dim;
  for (int64_t i = 0; i < count; i++) {
    const float reciprocal = (float)(1 / states[i].total);
    for (int64_t d = 0; d < head_dim; d++) y[i * head_dim + d] = scratch[i * padded + d] * reciprocal;
  }
}

// Heads begin ..< end of all rows, in runs that share keys and values.
CK_CLONES static void attend_rows(void *context, int64_t begin, int64_t end, int worker) {
  const ck_attention_forward *a = context;
  const int64_t group = a->shape.heads / a->shape.kv_heads;
  const int64_t room = (int64_t)(CK_WORKER_SCRATCH_BYTES / sizeof(float)) / (ck_padded(a->shape.head_dim) + 4);
  for (int64_t i = begin, count; i < end; i += count) {
    count = group - i % group;
    if (count > end - i) count = end - i;
    if (count > room) count = room;
    attend_group(a, i / a->shape.heads, i % a->shape.heads, count, ck_pool_scratch(a->pool, worker));
  }
}

void ck_attention_cached(
  ck_pool *pool, const ck_attention_shape *shape, float *y, int64_t y_stride, const float *qkv, int64_t qkv_stride,
  float *keys, int64_t keys_stride, float *values, int64_t values_stride, int64_t capacity, int64_t position) {
  const int64_t rows = shape->batch * shape->length;
  cache_update update = {
    .shape = shape, .qkv = qkv, .keys = keys, .values = values, .qkv_stride = qkv_stride, .keys_stride = keys_stride,
    .values_stride = values_stride, .capacity = capacity, .position = position};
  ck_parallel(pool, rows, 16, append_rows, &update);

  ck_attention_forward a = {
    .shape = *shape, .q = qkv, .k = keys, .v = values, .q_stride = qkv_stride, .k_stride = keys_stride,
    .v_stride = values_stride, .capacity = capacity, .position = position, .y = y, .y_stride = y_stride, .pool = pool};
  if (shape->length >= fewest_block_rows) {
    ck_attend(&a);
  } else {
    ck_parallel(pool, rows * shape->heads, 1, attend_rows, &a);
  }
}
