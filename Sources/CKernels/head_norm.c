#include "head_norm.h"
#include "lanes.h"
#include "partial_sums.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

// Copies what is not normalised: the padding of the leading heads, and the values.
static void copy_rest(const ck_head_norm_shape *shape, float *y, const float *x) {
  const int64_t normalised = shape->heads + shape->kv_heads, padding = shape->head_stride - shape->head_dim;
  for (int64_t head = 0; padding > 0 && head < normalised; head++) {
    const int64_t start = head * shape->head_stride + shape->head_dim;
    memcpy(y + start, x + start, (size_t)padding * sizeof(float));
  }
  const int64_t values = normalised * shape->head_stride;
  memcpy(y + values, x + values, (size_t)(shape->kv_heads * shape->head_stride) * sizeof(float));
}

typedef struct {
  const ck_head_norm_shape *shape;
  float *y, *statistics;
  const float *x, *query_weight, *key_weight;
  int64_t y_stride, statistics_stride, x_stride;
} forward;

CK_INLINE float normalise_head(float *y, const float *x, const float *weight, int64_t head_dim, float epsilon) {
  ck_lanes squares = 0.0f, value, factor;
  for (int64_t d = 0; d < head_dim; d += ck_lane_count) {
    ck_load_first(&value, x + d, head_dim - d, 0);
    squares += value * value;
  }
  const float reciprocal = (float)(1 / sqrt(ck_sum(&squares) / (double)head_dim + (double)epsilon));
  for (int64_t d = 0; d < head_dim; d += ck_lane_count) {
    ck_load_first(&value, x + d, head_dim - d, 0);
    ck_load_first(&factor, weight + d, head_dim - d, 0);
    value *= reciprocal * factor;
    ck_store_first(y + d, &value, head_dim - d);
  }
  return reciprocal;
}

CK_CLONES static void normalise_rows(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const forward *f = context;
  const ck_head_norm_shape *shape = f->shape;
  for (int64_t i = begin; i < end; i++) {
    float *y = f->y + i * f->y_stride;
    const float *x = f->x + i * f->x_stride;
    for (int64_t head = 0; head < shape->heads + shape->kv_heads; head++) {
      const float *weight = head < shape->heads ? f->query_weight : f->key_weight;
      const int64_t start = head * shape->head_stride;
      f->statistics[i * f->statistics_stride + head] =
        normalise_head(y + start, x + start, weight, shape->head_dim, shape->epsilon);
    }
    if (y != x) copy_rest(shape, y, x);
  }
}

void ck_head_norm(
  ck_pool *pool, const ck_head_norm_shape *shape, float *y, int64_t y_stride, float *statistics,
  int64_t statistics_stride, const float *x, int64_t x_stride, const float *query_weight, const float *key_weight) {
  forward f = {
    .shape = shape, .y = y, .statistics = statistics, .x = x, .query_weight = query_weight, .key_weight = key_weight,
    .y_stride = y_stride, .statistics_stride = statistics_stride, .x_stride = x_stride};
  ck_parallel(pool, shape->rows, 1, normalise_rows, &f);
}

typedef struct {
  const ck_head_norm_shape *shape;
  float *dx, *dquery_weight, *dkey_weight;
  const float *dy, *x, *query_weight, *key_weight, *statistics;
  int64_t dx_stride, dy_stride, x_stride, statistics_stride;
  ck_row_blocks blocks;  // of sums for queries, then keys
} backward;

CK_INLINE void differentiate_head(
  float *dx, float *dweight, const float *dy, const float *x, const float *weight, float reciprocal,
  int64_t head_dim) {
  ck_lanes product = 0.0f, upstream, normal, factor;
  for (int64_t d = 0; d < head_dim; d += ck_lane_count) {
    ck_load_first(&upstream, dy + d, head_dim - d, 0);
    ck_load_first(&normal, x + d, head_dim - d, 0);
    ck_load_first(&factor, weight + d, head_dim - d, 0);
    product += upstream * factor * (normal * reciprocal);
  }
  const float mean_product = (float)(ck_sum(&product) / (double)head_dim);
  for (int64_t d = 0; d < head_dim; d += ck_lane_count) {
    ck_load_first(&upstream, dy + d, head_dim - d, 0);
    ck_load_first(&normal, x + d, head_dim - d, 0);
    ck_load_first(&factor, weight + d, head_dim - d, 0);
    normal *= reciprocal;
    const ck_lanes gradient = reciprocal * (upstream * factor - normal * mean_product);
    ck_store_first(dx + d, &gradient, head_dim - d);
    if (!dweight) continue;
    ck_lanes total;
    ck_load_first(&total, dweight + d, head_dim - d, 0);
    total += upstream * normal;
    ck_store_first(dweight + d, &total, head_dim - d);
  }
}

CK_CLONES static void differentiate_blocks(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const backward *b = context;
  const ck_head_norm_shape *shape = b->shape;
  for (int64_t i = begin; i < end; i++) {
    float *dquery_weight = b->dquery_weight, *dkey_weight = b->dkey_weight;
    if (b->blocks.blocks > 1) {
      float *partial = b->blocks.partial + 2 * i * shape->head_dim;
      memset(partial, 0, (size_t)(2 * shape->head_dim) * sizeof(float));
      if (dquery_weight) dquery_weight = partial;
      if (dkey_weight) dkey_weight = partial + shape->head_dim;
    }
    for (int64_t row = i * b->blocks.rows; row < (i + 1) * b->blocks.rows && row < shape->rows; row++) {
      float *dx = b->dx + row * b->dx_stride;
      const float *dy = b->dy + row * b->dy_stride, *x = b->x + row * b->x_stride;
      for (int64_t head = 0; head < shape->heads + shape->kv_heads; head++) {
        const bool query = head < shape->heads;
        const int64_t start = head * shape->head_stride;
        differentiate_head(
          dx + start, query ? dquery_weight : dkey_weight, dy + start, x + start,
          query ? b->query_weight : b->key_weight, b->statistics[row * b->statistics_stride + head], shape->head_dim);
      }
      if (dx != dy) copy_rest(shape, dx, dy);
    }
  }
}

void ck_head_norm_backward(
  ck_pool *pool, const ck_head_norm_shape *shape, float *dx, int64_t dx_stride, float *dquery_weight,
  float *dkey_weight, const float *dy, int64_t dy_stride, const float *x, int64_t x_stride, const float *query_weight,
  const float *key_weight, const float *statistics, int64_t statistics_stride) {
  const int64_t head_dim = shape->head_dim;
  backward b = {
    .shape = shape, .dx = dx, .dquery_weight = dquery_weight, .dkey_weight = dkey_weight, .dy = dy, .x = x,
    .query_weight = query_weight, .key_weight = key_weight, .statistics = statistics, .dx_stride = dx_stride,
    .dy_stride = dy_stride, .x_stride = x_stride, .statistics_stride = statistics_stride,
    .blocks = ck_split_rows(pool, shape->rows, 2 * head_dim)};
  ck_parallel(pool, b.blocks.blocks, 1, differentiate_blocks, &b);
  if (b.blocks.blocks == 1) return;
  const float *partial = b.blocks.partial;
  if (dquery_weight) ck_add_partial_sums(pool, dquery_weight, partial, b.blocks.blocks, 2 * head_dim, head_dim);
  if (dkey_weight) ck_add_partial_sums(pool, dkey_weight, partial + head_dim, b.blocks.blocks, 2 * head_dim, head_dim);
}
