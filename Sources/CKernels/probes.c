#include "probes.h"

#include "kernel.h"
#include "memory.h"

#include <stdint.h>
#include <time.h>

enum { rounds = 5 };
// Multiply-adds of each accumulator between two looks at the clock, and the time of a round.
enum { burst = 4096 };
static const double round_seconds = 0.02;
// As many accumulators as hide the latency of a multiply-add on two units: more than 2 x 4, and no more than registers.
enum { accumulators = 12 };
// Elements of the memory that is read and written: many times what caches hold.
static const int64_t elements = (int64_t)64 << 20;

static double seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

// One burst on vectors of LANES floats; returns its operations. `state` is read and written, so that nothing of it can
// be left out.
#define MULTIPLY_ADDS(NAME, TARGET, LANES) \
  TARGET static double NAME(float *state) { \
    typedef float vector __attribute__((vector_size(LANES * 4), aligned(4))); \
    vector sum[accumulators]; \
    const vector factor = *(const vector *)state, term = factor; \
    for (int i = 0; i < accumulators; i++) sum[i] = factor + (float)i; \
    for (int n = 0; n < burst; n++) { \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < accumulators; i++) sum[i] = sum[i] * factor + term; \
    } \
    vector total = sum[0]; \
    for (int i = 1; i < accumulators; i++) total += sum[i]; \
    *(vector *)(state + 16) = total; \
    return 2.0 * burst * accumulators * LANES; \
  }

#if defined(__x86_64__)
MULTIPLY_ADDS(multiply_adds_avx512, CK_AVX512, 16)
MULTIPLY_ADDS(multiply_adds_avx2, CK_AVX2, 8)
#endif
MULTIPLY_ADDS(multiply_adds_baseline, , 4)

typedef struct {
  double (*run)(float *state);
  double *operations;  // a second, of each worker
} arithmetic;

static void run_multiply_adds(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  arithmetic *q = context;
  for (int64_t i = begin; i < end; i++) {
    float state[32];
    for (int k = 0; k < 32; k++) state[k] = 0.5f;
    const double start = seconds();
    double done = 0, time = 0;
    while (time < round_seconds) {
      done += q->run(state);
      time = seconds() - start;
    }
    q->operations[i] = done / time;
  }
}

double ck_probe_multiply_adds(ck_pool *pool) {
  arithmetic q = {.run = CK_BEST_OF(multiply_adds), .operations = ck_pool_shared_scratch(pool)};
  const int threads = ck_pool_threads(pool);
  double best = 0;
  for (int round = 0; round < rounds; round++) {
    ck_parallel(pool, threads, 1, run_multiply_adds, &q);
    double sum = 0;
    for (int i = 0; i < threads; i++) sum += q.operations[i];
    if (sum > best) best = sum;
  }
  return best;
}

// x = x·½ + 1: each element read once and written once, where it is.
CK_CLONES static void update(float *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) x[i] = x[i] * 0.5f + 1.0f;
}

static void update_range(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  update((float *)context + begin, end - begin);
}

double ck_probe_memory(ck_pool *pool) {
  const size_t bytes = (size_t)elements * sizeof(float);
  float *const memory = ck_map(bytes);
  if (!memory) return 0;
  ck_parallel(pool, elements, 1024, update_range, memory);  // takes the pages
  double best = 0;
  for (int round = 0; round < rounds; round++) {
    const double start = seconds();
    ck_parallel(pool, elements, 1024, update_range, memory);
    const double rate = 2.0 * (double)bytes / (seconds() - start);
    if (rate > best) best = rate;
  }
  ck_unmap(memory, bytes);
  return best;
}
