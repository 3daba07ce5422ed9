#include "adamw_element.h"

// Blocks of the sum: as small as keeps rounding low, as large as lets their sums fit the shared scratch.
enum { smallest_block = 16384, lanes = 64 };
static const int64_t most_blocks = CK_SHARED_SCRATCH_BYTES / sizeof(double);

typedef struct {
  const float *x;
  int64_t count, block;
  double *sums;
} squares;

// Squares of a block in independent lanes: lane l holds elements l, l + 64, … in ascending order.
CK_CLONES static double block_sum(const float *x, int64_t n) {
  float lane[lanes] = {0};
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    for (int l = 0; l < lanes; l++) lane[l] += x[i + l] * x[i + l];
  }
  double sum = 0;
  for (; i < n; i++) sum += (double)x[i] * (double)x[i];
  for (int l = 0; l < lanes; l++) sum += lane[l];
  return sum;
}

static void sum_blocks(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const squares *q = context;
  for (int64_t b = begin; b < end; b++) {
    const int64_t first = b * q->block, rest = q->count - first;
    q->sums[b] = block_sum(q->x + first, rest < q->block ? rest : q->block);
  }
}

double ck_sum_of_squares(ck_pool *pool, const float *x, int64_t count) {
  squares q = {.x = x, .count = count, .block = smallest_block, .sums = ck_pool_shared_scratch(pool)};
  while ((count + q.block - 1) / q.block > most_blocks) q.block *= 2;
  const int64_t blocks = (count + q.block - 1) / q.block;
  ck_parallel(pool, blocks, 1, sum_blocks, &q);
  double sum = 0;
  for (int64_t b = 0; b < blocks; b++) sum += q.sums[b];
  return sum;
}

typedef struct {
  float *parameters, *gradients, *m, *v;
  const ck_adamw_step *step;
} update;

CK_CLONES static void update_elements(
  int64_t n, float *restrict parameters, float *restrict gradients, float *restrict m, float *restrict v,
  const ck_adamw_step *constants) {
  const ck_adamw_step s = *constants;
  for (int64_t i = 0; i < n; i++) {
    float first = m[i], second = v[i];
    ck_adamw_element(&parameters[i], &gradients[i], &first, &second, &s);
    m[i] = first;
    v[i] = second;
  }
}

static void update_range(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const update *u = context;
  update_elements(
    end - begin, u->parameters + begin, u->gradients + begin, u->m + begin, u->v + begin, u->step);
}

void ck_adamw(
  ck_pool *pool, int64_t count, float *parameters, float *gradients, float *m, float *v, const ck_adamw_step *step) {
  update u = {.parameters = parameters, .gradients = gradients, .m = m, .v = v, .step = step};
  ck_parallel(pool, count, 4096, update_range, &u);
}
