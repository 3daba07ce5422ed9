// Gradients of biases.
#include "column_sums.h"
#include "kernel.h"
#include "partial_sums.h"

#include <string.h>

// Columns that one task sums: long reads of every row, sums that stay in the first-level cache.
enum { task_columns = 4096 };

typedef struct {
  float *out;
  const float *x;
  int64_t rows, columns, stride, across;  // tasks side by side
  ck_row_blocks blocks;
} column_sums;

// Four rows at a time: of what is read and written, the sums are the smaller part.
CK_CLONES static void add_rows(float *restrict sums, const float *x, int64_t stride, int64_t rows, int64_t count) {
  int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    const float *a = x + i * stride, *b = a + stride, *c = b + stride, *d = c + stride;
    for (int64_t j = 0; j < count; j++) sums[j] += (a[j] + b[j]) + (c[j] + d[j]);
  }
  for (; i < rows; i++) {
    const float *row = x + i * stride;
    for (int64_t j = 0; j < count; j++) sums[j] += row[j];
  }
}

static void sum_parts(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const column_sums *q = context;
  for (int64_t part = begin; part < end; part++) {
    const int64_t block = part / q->across, first_column = part % q->across * task_columns;
    const int64_t first_row = block * q->blocks.rows;
    const int64_t rows = q->rows - first_row < q->blocks.rows ? q->rows - first_row : q->blocks.rows;
    const int64_t count = q->columns - first_column < task_columns ? q->columns - first_column : task_columns;
    float *sums = q->out + first_column;
    if (q->blocks.blocks > 1) {
      sums = q->blocks.partial + block * q->columns + first_column;
      memset(sums, 0, (size_t)count * sizeof(float));
    }
    add_rows(sums, q->x + first_row * q->stride + first_column, q->stride, rows, count);
  }
}

void ck_add_column_sums(
  ck_pool *pool, float *out, const float *x, int64_t rows, int64_t columns, int64_t stride) {
  if (rows <= 0 || columns <= 0) return;
  column_sums q = {
    .out = out, .x = x, .rows = rows, .columns = columns, .stride = stride,
    .across = (columns + task_columns - 1) / task_columns, .blocks = ck_split_rows(pool, rows, columns)};
  const int64_t parts = q.blocks.blocks * q.across;
  ck_parallel(pool, parts, rows * columns < 8192 ? parts : 1, sum_parts, &q);
  if (q.blocks.blocks > 1) ck_add_partial_sums(pool, out, q.blocks.partial, q.blocks.blocks, columns, columns);
}
