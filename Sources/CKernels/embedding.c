#include "embedding.h"
#include "kernel.h"

#include <string.h>

typedef struct {
  int64_t rows, columns;
  float *y;
  int64_t y_stride;
  const int32_t *indices;
  int64_t index_stride;
  const void *table, *positions;  // positions may be NULL
  ck_element type;                // of both
  int64_t table_stride, position_stride, length, first_position;
  float scale;
} look_up;

typedef struct {
  int64_t rows, columns;
  float *table;
  int64_t table_stride;
  const float *dy;
  int64_t dy_stride;
  const int32_t *indices;  // NULL: row i goes to i mod length
  int64_t index_stride, length;
  float scale;
} embedding_gradient;

CK_CLONES static void sum_rows(float *restrict y, float scale, const float *a, const float *b, int64_t n) {
  for (int64_t j = 0; j < n; j++) y[j] = scale * a[j] + b[j];
}

CK_CLONES static void scale_row(float *restrict y, float scale, const float *x, int64_t n) {
  for (int64_t j = 0; j < n; j++) y[j] = scale * x[j];
}

CK_CLONES static void add_row(float *restrict y, float scale, const float *x, int64_t n) {
  for (int64_t j = 0; j < n; j++) y[j] += scale * x[j];
}

// Elements of rows that are looked up, as float32: as they are, or widened into `wide`.
static const float *floats(const void *x, ck_element type, int64_t first, int64_t count, float *wide) {
  const void *const elements = (const char *)x + first * ck_element_size(type);
  if (type == ck_float32) return elements;
  ck_widen(type, count, wide, elements);
  return wide;
}

static void gather_row(const look_up *q, int64_t row) {
  enum { piece = 1024 };
  float wide[piece], wide_position[piece];
  const int64_t first = q->indices[row * q->index_stride] * q->table_stride;
  const int64_t first_position = (row % q->length + q->first_position) * q->position_stride;
  for (int64_t j = 0; j < q->columns; j += piece) {
    const int64_t count = q->columns - j < piece ? q->columns - j : piece;
    float *const y = q->y + row * q->y_stride + j;
    const float *const x = floats(q->table, q->type, first + j, count, wide);
    if (q->positions) {
      sum_rows(y, q->scale, x, floats(q->positions, q->type, first_position + j, count, wide_position), count);
    } else if (q->scale != 1) {
      scale_row(y, q->scale, x, count);
    } else {
      memcpy(y, x, (size_t)count * sizeof(float));
    }
  }
}

static void gather(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  for (int64_t i = begin; i < end; i++) gather_row(context, i);
}

void ck_gather_rows(
  ck_pool *pool, int64_t rows, int64_t columns, float *y, int64_t y_stride, const int32_t *indices,
  int64_t index_stride, const void *table, int64_t table_stride, const void *positions, int64_t position_stride,
  ck_element type, int64_t length, int64_t first_position, float scale) {
  look_up q = {
    .rows = rows, .columns = columns, .y = y, .y_stride = y_stride, .indices = indices, .index_stride = index_stride,
    .table = table, .positions = positions, .type = type, .table_stride = table_stride,
    .position_stride = position_stride, .length = length, .first_position = first_position, .scale = scale};
  ck_parallel(pool, rows, 8192 / (columns > 0 ? columns : 1) + 1, gather, &q);
}

static void scatter(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const embedding_gradient *q = context;
  for (int64_t i = 0; i < q->rows; i++) {
    const int64_t target = q->indices ? q->indices[i * q->index_stride] : i % q->length;
    add_row(q->table + target * q->table_stride + begin, q->scale, q->dy + i * q->dy_stride + begin, end - begin);
  }
}

// Threads own whole cache lines of every row; small work stays on one.
static void scatter_columns(ck_pool *pool, embedding_gradient *q) {
  ck_parallel(pool, q->columns, q->rows * q->columns < 16384 ? q->columns : 16, scatter, q);
}

void ck_scatter_rows(
  ck_pool *pool, int64_t rows, int64_t columns, float *table, int64_t table_stride, const int32_t *indices,
  int64_t index_stride, const float *dy, int64_t dy_stride, float scale) {
  embedding_gradient q = {
    .rows = rows, .columns = columns, .table = table, .table_stride = table_stride, .dy = dy, .dy_stride = dy_stride,
    .indices = indices, .index_stride = index_stride, .scale = scale};
  scatter_columns(pool, &q);
}

void ck_scatter_positions(
  ck_pool *pool, int64_t rows, int64_t columns, float *positions, int64_t position_stride, const float *dy,
  int64_t dy_stride, int64_t length) {
  embedding_gradient q = {
    .rows = rows, .columns = columns, .table = positions, .table_stride = position_stride, .dy = dy,
    .dy_stride = dy_stride, .length = length, .scale = 1};
  scatter_columns(pool, &q);
}
