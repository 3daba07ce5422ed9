#include "partial_sums.h"
#include "kernel.h"

enum { fewest_rows = 16 };

ck_row_blocks ck_split_rows(const ck_pool *pool, int64_t rows, int64_t width) {
  const int64_t room = (int64_t)(CK_SHARED_SCRATCH_BYTES / sizeof(float)) / width;
  int64_t height = room > 0 ? (rows + room - 1) / room : rows;
  if (height < fewest_rows) height = fewest_rows;
  return (ck_row_blocks){
    .rows = height, .blocks = (rows + height - 1) / height, .partial = ck_pool_shared_scratch(pool)};
}

typedef struct {
  float *out;
  const float *partial;
  int64_t blocks, width;
} partial_sums;

CK_CLONES static void add_columns(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const partial_sums *q = context;
  float *restrict out = q->out;
  for (int64_t i = 0; i < q->blocks; i++) {
    const float *partial = q->partial + i * q->width;
    for (int64_t j = begin; j < end; j++) out[j] += partial[j];
  }
}

void ck_add_partial_sums(
  ck_pool *pool, float *out, const float *partial, int64_t blocks, int64_t width, int64_t count) {
  partial_sums q = {.out = out, .partial = partial, .blocks = blocks, .width = width};
  ck_parallel(pool, count, blocks * count < 8192 ? count : 64, add_columns, &q);
}
