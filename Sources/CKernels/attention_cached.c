#include "attention_forward.h"
#include "attention_row.h"

#include <string.h>

enum { fewest_block_rows = 4 };  // fewer new rows leave most lanes of a block of queries empty

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

// y of `count` heads of one row that share keys and values, which are read once for all of them.
CK_INLINE void attend_group(const ck_attention_forward *a, int64_t row, int64_t head, int64_t count, float *scratch) {
  const int64_t head_dim = a->shape.head_dim, padded = ck_padded(head_dim), length = a->shape.length;
  const int64_t position = a->position + row % length;
  const int64_t first = row / length * a->capacity, column = ck_kv_column(&a->shape, head);
  const float *q = a->q + row * a->q_stride + head * head_dim;
  const float *k = a->k + first * a->k_stride + column, *v = a->v + first * a->v_stride + column;
  ck_running *states = (ck_running *)(scratch + count * padded);
  memset(scratch, 0, (size_t)(count * padded) * sizeof(float));
  for (int64_t i = 0; i < count; i++) states[i] = (ck_running){.maximum = -__builtin_inff()};

  for (int64_t key = ck_first_key(&a->shape, row / length, position); key <= position; key += ck_block_keys) {
    const int64_t left = position + 1 - key, keys = left < ck_block_keys ? left : ck_block_keys;
    for (int64_t i = 0; i < count; i++) {
      ck_attend_keys(
        &a->shape, head + i, &states[i], scratch + i * padded, q + i * head_dim, k + key * a->k_stride, a->k_stride,
        v + key * a->v_stride, a->v_stride, keys, key - position);
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
