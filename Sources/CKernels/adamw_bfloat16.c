#include "adamw_bfloat16.h"
#include "adamw_element.h"

#include <stdbool.h>
#include <string.h>

// Elements that are updated at once, so that every stage is a loop of vectors.
enum { batch = 64 };

typedef struct {
  float *parameters, *gradients;
  uint16_t *m, *v;
  uint32_t seed;
  const ck_adamw_step *step;
} update;

CK_INLINE float widened(uint16_t stored) {
  const uint32_t bits = (uint32_t)stored << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

// The lower half of a float32 is a fraction that 16 random bits carry over or not. What is not finite is cut, and a
// number that is none stays none.
CK_INLINE uint16_t rounded(float value, uint32_t random16) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  const bool finite = (bits & 0x7f800000u) != 0x7f800000u, nan = (bits & 0x7fffffffu) > 0x7f800000u;
  bits = finite ? bits + random16 : nan ? bits | 0x400000u : bits;
  return (uint16_t)(bits >> 16);
}

// Philox-2x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011) of the elements'
// indices, as the CUDA kernels have it.
CK_INLINE void random_bits(uint64_t first, uint32_t seed, uint32_t *low, uint32_t *high) {
  for (int i = 0; i < batch; i++) {
    low[i] = (uint32_t)(first + (uint64_t)i);
    high[i] = (uint32_t)((first + (uint64_t)i) >> 32);
  }
  uint32_t key = seed;
  for (int round = 0; round < 10; round++, key += 0x9e3779b9u) {
    for (int i = 0; i < batch; i++) {
      const uint64_t product = (uint64_t)0xd256d193u * low[i];
      low[i] = (uint32_t)(product >> 32) ^ key ^ high[i];
      high[i] = (uint32_t)product;
    }
  }
}

CK_CLONES static void update_elements(const update *u, int64_t begin, int64_t end) {
  const ck_adamw_step s = *u->step;
  for (int64_t first = begin; first < end; first += batch) {
    const int64_t n = end - first < batch ? end - first : batch;
    uint32_t low[batch], high[batch];
    random_bits((uint64_t)first, u->seed, low, high);
    float *restrict const parameters = u->parameters + first, *restrict const gradients = u->gradients + first;
    uint16_t *restrict const m = u->m + first, *restrict const v = u->v + first;
    for (int64_t i = 0; i < n; i++) {
      float mean = widened(m[i]), square = widened(v[i]);
      ck_adamw_element(&parameters[i], &gradients[i], &mean, &square, &s);
      m[i] = rounded(mean, low[i] >> 16);
      v[i] = rounded(square, high[i] >> 16);
    }
  }
}

static void update_range(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  update_elements(context, begin, end);
}

void ck_adamw_bfloat16(
  ck_pool *pool, int64_t count, float *parameters, float *gradients, uint16_t *m, uint16_t *v, uint32_t seed,
  const ck_adamw_step *step) {
  update u = {.parameters = parameters, .gradients = gradients, .m = m, .v = v, .seed = seed, .step = step};
  ck_parallel(pool, count, 4096, update_range, &u);
}
