#define _GNU_SOURCE
#include "memory.h"

#include <stdint.h>
#include <sys/mman.h>

// The huge page of x86-64 and arm64 with 4 KiB pages.
static const size_t huge_page = (size_t)2 << 20;

static void *map(size_t bytes) {
  void *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return address == MAP_FAILED ? NULL : address;
}

void *ck_map(size_t bytes) {
  if (bytes < huge_page) return map(bytes);
  if (bytes > SIZE_MAX - 2 * huge_page) return NULL;
  // Aligned to a huge page: one more is mapped, and what lies outside the aligned block is given back.
  const size_t page = 4096, kept = (bytes + page - 1) / page * page;
  char *start = map(kept + huge_page);
  if (!start) return NULL;
  char *aligned = (char *)(((uintptr_t)start + huge_page - 1) / huge_page * huge_page);
  const size_t before = (size_t)(aligned - start), after = huge_page - before;
  if (before > 0) munmap(start, before);
  if (after > 0) munmap(aligned + kept, after);
  madvise(aligned, kept, MADV_HUGEPAGE);  // a hint: without huge pages the block is as good, only slower
  return aligned;
}

void ck_unmap(void *address, size_t bytes) { munmap(address, bytes); }
