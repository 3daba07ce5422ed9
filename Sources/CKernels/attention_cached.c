#include "attention_forward.h"
#include "attention_row.h"

#include <math.h>
#include <string.h>

enum {
  fewest_block_rows = 4,  // fewer new rows leave most lanes of a block of queries empty
  segment_keys = 512,     // of a segment, about
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

// Keys of one row in segments that do not depend on the number of threads, so that a few heads keep many busy.
typedef struct {
  ck_attention_forward of;
  int64_t segments, keys;  // of a row; keys in a segment
  int64_t padded;          // head_dim rounded up
  // Of several segments: [rows · heads][segments] and [rows · heads][segments][padded].
  ck_running *states;
  float *outputs;
} cached_attention;

CK_INLINE void store_output(float *y, const float *output, double total, int64_t head_dim) {
  const float reciprocal = (float)(1 / total);
  for (int64_t d = 0; d < head_dim; d++) y[d] = output[d] * reciprocal;
}

// `count` heads of one row over one segment of the keys and values that they share, which are read once for all of
// them: y, or what will be part of it.
CK_INLINE void attend_group(
  const cached_attention *c, int64_t row, int64_t segment, int64_t head, int64_t count, float *scratch) {
  const ck_attention_forward *a = &c->of;
  const int64_t head_dim = a->shape.head_dim, padded = c->padded, length = a->shape.length;
  const int64_t position = a->position + row % length;
  const int64_t first = row / length * a->capacity, column = ck_kv_column(&a->shape, head);
  const float *q = a->q + row * a->q_stride + head * head_dim;
  const float *k = a->k + first * a->k_stride + column, *v = a->v + first * a->v_stride + column;
  ck_running *states = (ck_running *)(scratch + count * padded);
  memset(scratch, 0, (size_t)(count * padded) * sizeof(float));
  for (int64_t i = 0; i < count; i++) states[i] = (ck_running){.maximum = -__builtin_inff()};

  const int64_t begin = ck_first_key(&a->shape, row / length, position) + segment * c->keys, last = position + 1;
  const int64_t end = begin + c->keys < last ? begin + c->keys : last;
  for (int64_t key = begin; key < end; key += ck_block_keys) {
    const int64_t keys = end - key < ck_block_keys ? end - key : ck_block_keys;
    for (int64_t i = 0; i < count; i++) {
      ck_attend_keys(
        &a->shape, head + i, &states[i], scratch + i * padded, q + i * head_dim, k + key * a->k_stride, a->k_stride,
        v + key * a->v_stride, a->v_stride, keys, key - position);
    }
  }
  for (int64_t i = 0; i < count; i++) {
    if (c->segments == 1) {
      store_output(
        a->y + row * a->y_stride + (head + i) * head_dim, scratch + i * padded, states[i].total, head_dim);
    } else {
      const int64_t index = (row * a->shape.heads + head + i) * c->segments + segment;
      memcpy(c->outputs + index * padded, scratch + i * padded, (size_t)padded * sizeof(float));
      c->states[index] = states[i];
    }
  }
}

// Of all rows, key/value heads, segments and heads that share the former, begin ..< end, in runs of the last.
CK_CLONES static void attend_rows(void *context, int64_t begin, int64_t end, int worker) {
  const cached_attention *c = context;
  const int64_t kv_heads = c->of.shape.kv_heads, group = c->of.shape.heads / kv_heads;
  const int64_t room = (int64_t)(CK_WORKER_SCRATCH_BYTES / sizeof(float)) / (c->padded + 4);
  for (int64_t i = begin, count; i < end; i += count) {
    count = group - i % group;
    if (count > end - i) count = end - i;
    if (count > room) count = room;
    const int64_t kv_head = i / group / c->segments;
    attend_group(
      c, kv_head / kv_heads, i / group % c->segments, kv_head % kv_heads * group + i % group, count,
      ck_pool_scratch(c->of.pool, worker));
  }
}

// y of heads begin ..< end of all rows from their segments. Those that no key was seen in have a maximum of −infinity.
static void join_segments(void *context, int64_t begin, int64_t end, int worker) {
  const cached_attention *c = context;
  const ck_attention_forward *a = &c->of;
  const int64_t head_dim = a->shape.head_dim;
  float *sum = ck_pool_scratch(a->pool, worker);
  for (int64_t i = begin; i < end; i++) {
    const ck_running *states = c->states + i * c->segments;
    float maximum = states[0].maximum;
    for (int64_t s = 1; s < c->segments; s++) maximum = states[s].maximum > maximum ? states[s].maximum : maximum;
    double total = 0;
    memset(sum, 0, (size_t)head_dim * sizeof(float));
    for (int64_t s = 0; s < c->segments; s++) {
      const float factor = expf(states[s].maximum - maximum);
      const float *output = c->outputs + (i * c->segments + s) * c->padded;
      total += states[s].total * factor;
      for (int64_t d = 0; d < head_dim; d++) sum[d] += factor * output[d];
    }
    store_output(a->y + i / a->shape.heads * a->y_stride + i % a->shape.heads * head_dim, sum, total, head_dim);
  }
}

static void attend_cached(const ck_attention_forward *forward) {
  const ck_attention_shape *shape = &forward->shape;
  const int64_t heads = shape->batch * shape->length * shape->heads, last = forward->position + shape->length;
  const int64_t visible = last < shape->window ? last : shape->window;  // from the last row
  cached_attention c = {.of = *forward, .padded = ck_padded(shape->head_dim)};
  const int64_t bytes = c.padded * (int64_t)sizeof(float) + (int64_t)sizeof(ck_running);
  const int64_t wanted = (visible + segment_keys - 1) / segment_keys;
  const int64_t fitting = (int64_t)CK_SHARED_SCRATCH_BYTES / bytes / heads;
  c.segments = wanted < fitting ? wanted : fitting > 1 ? fitting : 1;
  c.keys = (visible + c.segments - 1) / c.segments;
  c.states = ck_pool_shared_scratch(forward->pool);
  c.outputs = (float *)(c.states + heads * c.segments);
  ck_parallel(forward->pool, heads * c.segments, 1, attend_rows, &c);
  if (c.segments > 1) ck_parallel(forward->pool, heads, 8, join_segments, &c);
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
    attend_cached(&a);
  }
}
