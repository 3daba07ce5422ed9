#define _GNU_SOURCE
#include "CAllocationCounter.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

static _Thread_local bool is_observed;
static _Atomic int64_t total;

void allocation_counter_observe(bool value) { is_observed = value; }
int64_t allocation_counter_total(void) { return atomic_load(&total); }

static void count(void) {
  if (is_observed) atomic_fetch_add_explicit(&total, 1, memory_order_relaxed);
}

// glibc's own names for the functions replaced here: unlike dlsym they need no allocation to be found.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t number, size_t size);
extern void *__libc_realloc(void *address, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
  count();
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
  count();
  return __libc_calloc(number, size);
}

void *realloc(void *address, size_t size) {
  count();
  return __libc_realloc(address, size);
}

void *memalign(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **address, size_t alignment, size_t size) {
  count();
  if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
  void *memory = __libc_memalign(alignment, size);
  if (memory == NULL) return ENOMEM;
  *address = memory;
  return 0;
}

// MARK: Threads inherit being observed

struct start {
  void *(*run)(void *);
  void *context;
};

static void *start_observed(void *memory) {
  struct start start = *(struct start *)memory;
  free(memory);
  is_observed = true;
  return start.run(start.context);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context) {
  typedef int create_function(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  create_function *create = (create_function *)dlsym(RTLD_NEXT, "pthread_create");
  if (create == NULL) return EAGAIN;
  if (!is_observed) return create(thread, attributes, run, context);
  struct start *start = __libc_malloc(sizeof *start);
  if (start == NULL) return EAGAIN;
  *start = (struct start){run, context};
  int status = create(thread, attributes, start_observed, start);
  if (status != 0) free(start);
  return status;
}
