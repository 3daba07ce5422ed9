#include "rope.h"
#include "kernel.h"

typedef struct {
  float *x;
  const float *table;
  int64_t heads, head_dim, head_stride, x_stride, table_stride, length, position;
  float direction;
} rotation;

CK_CLONES static void rotate_rows(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const rotation *r = context;
  const int64_t half = r->head_dim / 2;
  for (int64_t i = begin; i < end; i++) {
    const float *restrict cosine = r->table + (i % r->length + r->position) * r->table_stride;
    const float *restrict sine = cosine + half;
    for (int64_t head = 0; head < r->heads; head++) {
      float *restrict first = r->x + i * r->x_stride + head * r->head_stride;
      float *restrict second = first + half;
      for (int64_t j = 0; j < half; j++) {
        const float a = first[j], b = second[j], s = sine[j] * r->direction;
        first[j] = a * cosine[j] - b * s;
        second[j] = b * cosine[j] + a * s;
      }
    }
  }
}

void ck_rope(
  ck_pool *pool, int64_t rows, int64_t heads, int64_t head_dim, int64_t head_stride, float *x, int64_t x_stride,
  const float *table, int64_t table_stride, int64_t length, int64_t position, bool inverse) {
  rotation r = {
    .x = x, .table = table, .heads = heads, .head_dim = head_dim, .head_stride = head_stride, .x_stride = x_stride,
    .table_stride = table_stride, .length = length, .position = position, .direction = inverse ? -1 : 1};
  ck_parallel(pool, rows, 4, rotate_rows, &r);
}
