#define _GNU_SOURCE
#include "parallel.h"

#include "denormals.h"
#include "sizes.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// How long a thread looks before it sleeps. Kernels of one step follow each other faster than this, and their shares are
// less uneven; to be woken takes as long, in a virtual machine.
static const int64_t spin_nanoseconds = 100000;

// What a worker was told. Only the worker sets `asleep` and `idle`, only its starter sets `started`.
enum { idle, started, asleep };

typedef struct {
  _Alignas(64) atomic_uint state;
  ck_pool *pool;
  int index;
  pthread_t thread;
  int64_t busy;  // nanoseconds in tasks while the pool counted them; written by the worker alone
} worker_t;

struct ck_pool {
  int threads;
  char *scratch;
  size_t scratch_bytes;
  worker_t *workers;  // [threads]; the first is the caller and has no thread

  // The loop in progress. Written before the workers are started, read by those that take part.
  ck_task task;
  void *context;
  int64_t count, chunk;
  int participants;
  bool dynamic, quit;
  bool counts_busy_time;

  _Alignas(64) atomic_llong next;    // first index that nobody has claimed yet (dynamic loops)
  _Alignas(64) atomic_uint running;  // workers that have not finished; `caller_sleeps` is added while the caller sleeps
};

static const unsigned caller_sleeps = 1u << 31;

static void futex_wait(atomic_uint *word, unsigned expected) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static void futex_wake(atomic_uint *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); }

static void pause_briefly(void) {
  for (int i = 0; i < 8; i++) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
  }
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// Looks at `word` until it is no longer `value`, for at most `spin_nanoseconds`.
static bool spin_while(atomic_uint *word, unsigned value) {
  const int64_t end = now() + spin_nanoseconds;
  do {
    if (atomic_load_explicit(word, memory_order_acquire) != value) return true;
    pause_briefly();
  } while (now() < end);
  return false;
}

static void start(worker_t *worker) {
  if (atomic_exchange_explicit(&worker->state, started, memory_order_acq_rel) == asleep) futex_wake(&worker->state);
}

static void wait_for_start(worker_t *worker) {
  if (!spin_while(&worker->state, idle)) {
    unsigned expected = idle;
    if (atomic_compare_exchange_strong(&worker->state, &expected, asleep)) {
      while (atomic_load_explicit(&worker->state, memory_order_acquire) == asleep) futex_wait(&worker->state, asleep);
    }
  }
  atomic_store_explicit(&worker->state, idle, memory_order_relaxed);
}

// A worker starts the two below it in a binary tree: waking 63 sleepers one after the other would take longer than
// many kernels do.
static void start_children(ck_pool *pool, int index) {
  for (int child = 2 * index + 1; child <= 2 * index + 2 && child < pool->participants; child++) {
    start(&pool->workers[child]);
  }
}

static void run_tasks(ck_pool *pool, int index) {
  if (!pool->dynamic) {
    const int64_t begin = pool->chunk * index;
    const int64_t end = begin + pool->chunk;
    pool->task(pool->context, begin, end < pool->count ? end : pool->count, index);
    return;
  }
  for (;;) {
    const int64_t begin = atomic_fetch_add_explicit(&pool->next, pool->chunk, memory_order_relaxed);
    if (begin >= pool->count) return;
    const int64_t end = begin + pool->chunk;
    pool->task(pool->context, begin, end < pool->count ? end : pool->count, index);
  }
}

static void run_share(ck_pool *pool, int index) {
  if (!pool->counts_busy_time) return run_tasks(pool, index);
  const int64_t begin = now();
  run_tasks(pool, index);
  pool->workers[index].busy += now() - begin;
}

static void *worker_main(void *argument) {
  worker_t *worker = argument;
  ck_pool *pool = worker->pool;
  ck_flush_denormals();
  for (;;) {
    wait_for_start(worker);
    start_children(pool, worker->index);
    if (pool->quit) return NULL;
    run_share(pool, worker->index);
    if (atomic_fetch_sub_explicit(&pool->running, 1, memory_order_acq_rel) == caller_sleeps + 1) {
      futex_wake(&pool->running);
    }
  }
}

static void wait_for_workers(ck_pool *pool) {
  const int64_t end = now() + spin_nanoseconds;
  do {
    if (atomic_load_explicit(&pool->running, memory_order_acquire) == 0) return;
    pause_briefly();
  } while (now() < end);
  unsigned value = atomic_fetch_add_explicit(&pool->running, caller_sleeps, memory_order_acq_rel) + caller_sleeps;
  while (value != caller_sleeps) {
    futex_wait(&pool->running, value);
    value = atomic_load_explicit(&pool->running, memory_order_acquire);
  }
}

// Runs the loop described in `pool` on `participants` workers.
static void run(ck_pool *pool, int participants) {
  pool->participants = participants;
  atomic_store_explicit(&pool->running, (unsigned)participants - 1, memory_order_relaxed);
  start_children(pool, 0);
  const ck_float_mode mode = ck_flush_denormals();
  run_share(pool, 0);
  ck_restore_float_mode(mode);
  if (participants > 1) wait_for_workers(pool);
}

void ck_parallel(ck_pool *pool, int64_t count, int64_t grain, ck_task task, void *context) {
  if (count <= 0) return;
  const int64_t chunk = ck_ceiling(ck_ceiling(count, grain), pool->threads) * grain;
  pool->task = task;
  pool->context = context;
  pool->count = count;
  pool->chunk = chunk;
  pool->dynamic = false;
  run(pool, (int)ck_ceiling(count, chunk));
}

void ck_parallel_dynamic(ck_pool *pool, int64_t count, int64_t grain, ck_task task, void *context) {
  if (count <= 0) return;
  const int64_t chunks = ck_ceiling(count, grain);
  pool->task = task;
  pool->context = context;
  pool->count = count;
  pool->chunk = grain;
  pool->dynamic = true;
  atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
  run(pool, chunks < pool->threads ? (int)chunks : pool->threads);
}

ck_pool *ck_pool_create(int threads) {
  if (threads < 1) return NULL;
  ck_pool *pool = aligned_alloc(64, (sizeof(ck_pool) + 63) / 64 * 64);
  if (!pool) return NULL;
  *pool = (ck_pool){.threads = threads};
  pool->scratch_bytes =
    (size_t)threads * (CK_WORKER_SCRATCH_BYTES + CK_WORKER_PANEL_BYTES) + CK_SHARED_SCRATCH_BYTES;
  pool->scratch =
    mmap(NULL, pool->scratch_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  pool->workers = aligned_alloc(64, (size_t)threads * sizeof(worker_t));
  if (pool->scratch == MAP_FAILED || !pool->workers) {
    if (pool->scratch != MAP_FAILED) munmap(pool->scratch, pool->scratch_bytes);
    free(pool->workers);
    free(pool);
    return NULL;
  }
  for (int i = 0; i < threads; i++) {
    pool->workers[i] = (worker_t){.pool = pool, .index = i};
    if (i > 0 && pthread_create(&pool->workers[i].thread, NULL, worker_main, &pool->workers[i]) != 0) {
      pool->threads = i;
      ck_pool_destroy(pool);
      return NULL;
    }
  }
  return pool;
}

void ck_pool_destroy(ck_pool *pool) {
  if (!pool) return;
  pool->quit = true;
  pool->participants = pool->threads;
  start_children(pool, 0);
  for (int i = 1; i < pool->threads; i++) pthread_join(pool->workers[i].thread, NULL);
  munmap(pool->scratch, pool->scratch_bytes);
  free(pool->workers);
  free(pool);
}

int ck_pool_threads(const ck_pool *pool) { return pool->threads; }

void ck_pool_count_busy_time(ck_pool *pool, bool counts) { pool->counts_busy_time = counts; }

int64_t ck_pool_busy_nanoseconds(const ck_pool *pool) {
  int64_t sum = 0;
  for (int i = 0; i < pool->threads; i++) sum += pool->workers[i].busy;
  return sum;
}

void *ck_pool_scratch(const ck_pool *pool, int worker) {
  return pool->scratch + (size_t)worker * CK_WORKER_SCRATCH_BYTES;
}

void *ck_pool_panel(const ck_pool *pool, int worker) {
  return pool->scratch + (size_t)pool->threads * CK_WORKER_SCRATCH_BYTES + (size_t)worker * CK_WORKER_PANEL_BYTES;
}

void *ck_pool_shared_scratch(const ck_pool *pool) {
  return pool->scratch + pool->scratch_bytes - CK_SHARED_SCRATCH_BYTES;
}
