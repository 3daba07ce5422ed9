#include "norm.h"
#include "lanes.h"
#include "partial_sums.h"

#include <math.h>
#include <string.h>

typedef struct {
  const ck_norm_shape *shape;
  float *y, *statistics, *sum;
  const float *x, *delta, *weight, *bias;
  int64_t y_stride, statistics_stride, sum_stride, x_stride, delta_stride;
} forward;

// Adds delta to x where there is one; the sum, or the sum of squares.
CK_INLINE double add_row(const bool squares, float *sum, const float *x, const float *delta, int64_t columns) {
  ck_lanes total = 0.0f;
  for (int64_t c = 0; c < columns; c += ck_lane_count) {
    ck_lanes value;
    ck_load_first(&value, x + c, columns - c, 0);
    if (delta) {
      ck_lanes added;
      ck_load_first(&added, delta + c, columns - c, 0);
      value += added;
      ck_store_first(sum + c, &value, columns - c);
    }
    total += squares ? value * value : value;
  }
  return ck_sum(&total);
}

CK_INLINE double squared_deviations(const float *x, float mean, int64_t columns) {
  ck_lanes total = 0.0f;
  for (int64_t c = 0; c < columns; c += ck_lane_count) {
    ck_lanes value;
    ck_load_first(&value, x + c, columns - c, mean);
    value -= mean;
    total += value * value;
  }
  return ck_sum(&total);
}

CK_INLINE void normalise(
  float *y, const float *x, float mean, float reciprocal, const float *weight, float weight_offset, const float *bias,
  int64_t columns) {
  for (int64_t c = 0; c < columns; c += ck_lane_count) {
    ck_lanes value, factor, offset = 0.0f;
    ck_load_first(&value, x + c, columns - c, 0);
    ck_load_first(&factor, weight + c, columns - c, 0);
    if (bias) ck_load_first(&offset, bias + c, columns - c, 0);
    value = (value - mean) * reciprocal * (weight_offset + factor) + offset;
    ck_store_first(y + c, &value, columns - c);
  }
}

CK_CLONES static void norm_rows(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const forward *f = context;
  const int64_t columns = f->shape->columns;
  for (int64_t i = begin; i < end; i++) {
    const float *x = f->x + i * f->x_stride;
    float *sum = f->delta ? f->sum + i * f->sum_stride : NULL;
    const double total = add_row(f->shape->rms, sum, x, f->delta ? f->delta + i * f->delta_stride : NULL, columns);
    if (sum) x = sum;
    const float mean = f->shape->rms ? 0 : (float)(total / (double)columns);
    const double squares = f->shape->rms ? total : squared_deviations(x, mean, columns);
    const float reciprocal = (float)(1 / sqrt(squares / (double)columns + (double)f->shape->epsilon));
    f->statistics[i * f->statistics_stride] = mean;
    f->statistics[i * f->statistics_stride + 1] = reciprocal;
    normalise(f->y + i * f->y_stride, x, mean, reciprocal, f->weight, f->shape->weight_offset, f->bias,
      columns);
  }
}

void ck_norm(
  ck_pool *pool, const ck_norm_shape *shape, float *y, int64_t y_stride, float *statistics, int64_t statistics_stride,
  float *sum, int64_t sum_stride, const float *x, int64_t x_stride, const float *delta, int64_t delta_stride,
  const float *weight, const float *bias) {
  forward f = {
    .shape = shape, .y = y, .statistics = statistics, .sum = sum, .x = x, .delta = delta, .weight = weight,
    .bias = bias, .y_stride = y_stride, .statistics_stride = statistics_stride, .sum_stride = sum_stride,
    .x_stride = x_stride, .delta_stride = delta_stride};
  ck_parallel(pool, shape->rows, 1, norm_rows, &f);
}

typedef struct {
  const ck_norm_shape *shape;
  float *dx, *dweight, *dbias;
  const float *dy, *x, *weight, *statistics;
  int64_t dx_stride, dy_stride, x_stride, statistics_stride;
  bool add;
  ck_row_blocks blocks;  // of sums for weight, then bias
} backward;

// With `offset`, weights are weight_offset + weight.
CK_INLINE void differentiate_row(
  const bool offset, const backward *b, int64_t row, float *dweight, float *dbias) {
  const int64_t columns = b->shape->columns;
  const float *dy = b->dy + row * b->dy_stride, *x = b->x + row * b->x_stride;
  const float mean = b->statistics[row * b->statistics_stride];
  const float reciprocal = b->statistics[row * b->statistics_stride + 1];
  float *dx = b->dx + row * b->dx_stride;

  ck_lanes sum = 0.0f, product = 0.0f;
  for (int64_t c = 0; c < columns; c += ck_lane_count) {
    ck_lanes upstream, normal, factor;
    ck_load_first(&upstream, dy + c, columns - c, 0);
    ck_load_first(&normal, x + c, columns - c, mean);
    ck_load_first(&factor, b->weight + c, columns - c, 0);
    if (offset) factor += b->shape->weight_offset;
    normal = (normal - mean) * reciprocal;
    upstream *= factor;
    sum += upstream;
    product += upstream * normal;
  }
  const float mean_sum = b->shape->rms ? 0 : (float)(ck_sum(&sum) / (double)columns);
  const float mean_product = (float)(ck_sum(&product) / (double)columns);
  for (int64_t c = 0; c < columns; c += ck_lane_count) {
    ck_lanes upstream, normal, factor, gradient, total = 0.0f;
    ck_load_first(&upstream, dy + c, columns - c, 0);
    ck_load_first(&normal, x + c, columns - c, 0);
    ck_load_first(&factor, b->weight + c, columns - c, 0);
    if (offset) factor += b->shape->weight_offset;
    if (b->add) ck_load_first(&total, dx + c, columns - c, 0);
    normal = (normal - mean) * reciprocal;
    gradient = total + reciprocal * (upstream * factor - mean_sum - normal * mean_product);
    ck_store_first(dx + c, &gradient, columns - c);
    if (dweight) {
      ck_load_first(&total, dweight + c, columns - c, 0);
      total += upstream * normal;
      ck_store_first(dweight + c, &total, columns - c);
    }
    if (dbias) {
      ck_load_first(&total, dbias + c, columns - c, 0);
      total += upstream;
      ck_store_first(dbias + c, &total, columns - c);
    }
  }
}

CK_CLONES static void differentiate_blocks(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const backward *b = context;
  for (int64_t i = begin; i < end; i++) {
    float *dweight = b->dweight, *dbias = b->dbias;
    if (b->blocks.blocks > 1) {
      float *partial = b->blocks.partial + 2 * i * b->shape->columns;
      memset(partial, 0, (size_t)(2 * b->shape->columns) * sizeof(float));
      if (dweight) dweight = partial;
      if (dbias) dbias = partial + b->shape->columns;
    }
    for (int64_t row = i * b->blocks.rows; row < (i + 1) * b->blocks.rows && row < b->shape->rows; row++) {
      if (b->shape->weight_offset != 0) {
        differentiate_row(true, b, row, dweight, dbias);
      } else {
        differentiate_row(false, b, row, dweight, dbias);
      }
    }
  }
}

void ck_norm_backward(
  ck_pool *pool, const ck_norm_shape *shape, float *dx, int64_t dx_stride, bool add, float *dweight, float *dbias,
  const float *dy, int64_t dy_stride, const float *x, int64_t x_stride, const float *weight, const float *statistics,
  int64_t statistics_stride) {
  const int64_t columns = shape->columns;
  backward b = {
    .shape = shape, .dx = dx, .dweight = dweight, .dbias = dbias, .dy = dy, .x = x, .weight = weight,
    .statistics = statistics, .dx_stride = dx_stride, .dy_stride = dy_stride, .x_stride = x_stride,
    .statistics_stride = statistics_stride, .add = add, .blocks = ck_split_rows(pool, shape->rows, 2 * columns)};
  ck_parallel(pool, b.blocks.blocks, 1, differentiate_blocks, &b);
  if (b.blocks.blocks == 1) return;
  const float *partial = b.blocks.partial;
  if (dweight) ck_add_partial_sums(pool, dweight, partial, b.blocks.blocks, 2 * columns, columns);
  if (dbias) ck_add_partial_sums(pool, dbias, partial + columns, b.blocks.blocks, 2 * columns, columns);
}
