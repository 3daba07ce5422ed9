// A pool of threads for loops that last microseconds to milliseconds.
//
// Idle workers spin for a tenth of a millisecond, so that kernels in a row start without a system call, and then sleep:
// the machine may have two cores, and somebody else's work to do on them. Not reentrant: one loop at a time, none inside
// another. Denormal numbers count as zero inside a task.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Bytes of scratch of each worker, and of the scratch that all share. Pages that are never touched cost nothing.
#define CK_WORKER_SCRATCH_BYTES ((size_t)4 << 20)
#define CK_SHARED_SCRATCH_BYTES ((size_t)4 << 20)
/// Bytes of the panel of each worker, for what it widens of an operand that is stored narrow.
#define CK_WORKER_PANEL_BYTES ((size_t)8 << 20)

typedef struct ck_pool ck_pool;

/// Work on begin ..< end; `worker` is 0 ..< ck_pool_threads, and no two tasks run on the same worker at once.
typedef void (*ck_task)(void *context, int64_t begin, int64_t end, int worker);

/// A pool of `threads` threads, the caller's included. NULL when memory or threads cannot be had.
ck_pool *ck_pool_create(int threads);
void ck_pool_destroy(ck_pool *pool);
int ck_pool_threads(const ck_pool *pool);

/// Whether the time that workers spend in tasks is counted, from the next loop on: two looks at the clock for each
/// worker and loop. Off at first.
void ck_pool_count_busy_time(ck_pool *pool, bool counts);
/// What was counted so far, all workers together. Not while a loop runs.
int64_t ck_pool_busy_nanoseconds(const ck_pool *pool);

/// Splits 0 ..< count into at most one contiguous chunk per thread, each (but the last) a multiple of `grain`, and
/// returns when all are done. Chunk i runs on worker i; the caller is worker 0.
void ck_parallel(ck_pool *pool, int64_t count, int64_t grain, ck_task task, void *context);

/// Splits 0 ..< count into chunks of `grain` (the last may be shorter) that do not depend on the number of threads.
/// Free workers claim them in ascending order: for pieces of unequal cost. Which worker runs which is not determined.
void ck_parallel_dynamic(ck_pool *pool, int64_t count, int64_t grain, ck_task task, void *context);

/// CK_WORKER_SCRATCH_BYTES for the task that runs on `worker`, undefined at its start. 64-byte aligned.
void *ck_pool_scratch(const ck_pool *pool, int worker);
/// CK_WORKER_PANEL_BYTES for the task that runs on `worker`, beside its scratch. 64-byte aligned.
void *ck_pool_panel(const ck_pool *pool, int worker);
/// CK_SHARED_SCRATCH_BYTES for partial results that tasks leave for the caller. 64-byte aligned.
void *ck_pool_shared_scratch(const ck_pool *pool);
