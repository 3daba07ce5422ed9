#include "embedding.h"
#include "kernel.h"

#include <string.h>

typedef struct {
  int64_t rows, columns;
  float *y;  // or the table that is added to
  int64_t y_stride;
  const float *x;  // the table, or dy
  int64_t x_stride;
  const int32_t *indices;  // NULL: row i goes to i mod length
  int64_t index_stride;
  const float *positions;
  int64_t position_stride, length, first_position;
  float scale;  // factor on x
} embedding;

CK_CLONES static void sum_rows(float *restrict y, float scale, const float *a, const float *b, int64_t n) {
  for (int64_t j = 0; j < n; j++) y[j] = scale * a[j] + b[j];
}

CK_CLONES static void scale_row(float *restrict y, float scale, const float *x, int64_t n) {
  for (int64_t j = 0; j < n; j++) y[j] = scale * x[j];
}

CK_CLONES static void add_row(float *restrict y, float scale, const float *x, int64_t n) {
  for (int64_t j = 0; j < n; j++) y[j] += scale * x[j];
}

static void gather(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const embedding *q = context;
  for (int64_t i = begin; i < end; i++) {
    float *y = q->y + i * q->y_stride;
    const float *x = q->x + q->indices[i * q->index_stride] * q->x_stride;
    if (q->positions) {
      const float *position = q->positions + (i % q->length + q->first_position) * q->position_stride;
      sum_rows(y, q->scale, x, position, q->columns);
    } else if (q->scale != 1) {
      scale_row(y, q->scale, x, q->columns);
    } else {
      memcpy(y, x, (size_t)q->columns * sizeof(float));
    }
  }
}

void ck_gather_rows(
  ck_pool *pool, int64_t rows, int64_t columns, float *y, int64_t y_stride, const int32_t *indices,
  int64_t index_stride, const float *table, int64_t table_stride, const float *positions, int64_t position_stride,
  int64_t length, int64_t first_position, float scale) {
  embedding q = {
    .rows = rows, .columns = columns, .y = y, .y_stride = y_stride, .x = table, .x_stride = table_stride,
    .indices = indices, .index_stride = index_stride, .positions = positions, .position_stride = position_stride,
    .length = length, .first_position = first_position, .scale = scale};
  ck_parallel(pool, rows, 8192 / (columns > 0 ? columns : 1) + 1, gather, &q);
}

static void scatter(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const embedding *q = context;
  for (int64_t i = 0; i < q->rows; i++) {
    const int64_t target = q->indices ? q->indices[i * q->index_stride] : i % q->length;
    add_row(q->y + target * q->y_stride + begin, q->scale, q->x + i * q->x_stride + begin, end - begin);
  }
}

// Threads own whole cache lines of every row; small work stays on one.
static void scatter_columns(ck_pool *pool, embedding *q) {
  ck_parallel(pool, q->columns, q->rows * q->columns < 16384 ? q->columns : 16, scatter, q);
}

void ck_scatter_rows(
  ck_pool *pool, int64_t rows, int64_t columns, float *table, int64_t table_stride, const int32_t *indices,
  int64_t index_stride, const float *dy, int64_t dy_stride, float scale) {
  embedding q = {
    .rows = rows, .columns = columns, .y = table, .y_stride = table_stride, .x = dy, .x_stride = dy_stride,
    .indices = indices, .index_stride = index_stride, .scale = scale};
  scatter_columns(pool, &q);
}

void ck_scatter_positions(
  ck_pool *pool, int64_t rows, int64_t columns, float *positions, int64_t position_stride, const float *dy,
  int64_t dy_stride, int64_t length) {
  embedding q = {
    .rows = rows, .columns = columns, .y = positions, .y_stride = position_stride, .x = dy, .x_stride = dy_stride,
    .length = length, .scale = 1};
  scatter_columns(pool, &q);
}
