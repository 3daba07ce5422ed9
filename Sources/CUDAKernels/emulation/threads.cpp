// Runs the blocks of a launch one after the other, and the threads of a block as fibers.
//
// A thread runs until it waits or ends. Threads that never wait share one fiber, one after the other, so a kernel
// without barriers costs one switch a block. Every other block starts its threads in descending order: a kernel that
// lacks a barrier reads, in one of the two orders, what is not written yet.
#include "threads.h"
#include "fiber.h"
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <vector>

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

#ifdef IC_EMULATION_SHARED_SECTION
// The linker's names for the ends of the section; at least one array is in it.
__shared__ unsigned char some_shared_memory[16] __attribute__((used));
extern __attribute__((visibility("hidden"))) unsigned char section_start[] asm("__start_ic_emulated_shared");
extern __attribute__((visibility("hidden"))) unsigned char section_end[] asm("__stop_ic_emulated_shared");
#endif

namespace emulation {
namespace {

enum class State : uint8_t { fresh, running, in_block, in_warp, exited };

struct Thread {
  Fiber *fiber;
  State state;
  Operation operation;
  unsigned mask, source;
  uint64_t value;
  const char *file;
  int line;
  uint3 index;
};

struct Block {
  const std::function<void()> *body;
  int count;
  Thread threads[1024];
  // Of each warp, its lanes: those that there are, and those that wait.
  unsigned lanes[32], waiting[32];
  // Threads to go on with, in order; each is in it at most once.
  Thread *ready[1024];
  int ready_first, ready_count;
  int started, exited, arrived, predicates, barrier_result;
  bool descending;
  Thread *current;
  unsigned char *dynamic_shared;
  std::string error;
};

Block block;
Fiber main_fiber;
// Never destroyed: they are in use for as long as the program runs.
auto &free_fibers = *new std::vector<Fiber *>, &all_fibers = *new std::vector<Fiber *>;
#ifdef IC_EMULATION_ASAN
constexpr size_t canary_bytes = 0;
#else
constexpr size_t canary_bytes = 64;
#endif

const char *operation_name(Operation operation) {
  switch (operation) {
  case Operation::syncthreads: return "__syncthreads";
  case Operation::syncwarp: return "__syncwarp";
  case Operation::shuffle: return "a shuffle";
  case Operation::ballot: return "a vote";
  }
  return "";
}

std::string place(const Thread &thread) {
  const char *name = strrchr(thread.file, '/');
  return std::string(operation_name(thread.operation)) + " (" + (name ? name + 1 : thread.file) + ":" +
    std::to_string(thread.line) + ")";
}

void make_ready(Thread *thread) {
  thread->state = State::running;
  block.ready[(block.ready_first + block.ready_count++) % 1024] = thread;
}

Thread *next_ready() {
  if (!block.ready_count) return nullptr;
  Thread *thread = block.ready[block.ready_first];
  block.ready_first = (block.ready_first + 1) % 1024;
  block.ready_count--;
  return thread;
}

Thread *next_fresh() {
  if (block.started == block.count) return nullptr;
  const int i = block.descending ? block.count - 1 - block.started : block.started;
  block.started++;
  return &block.threads[i];
}

// Leaves the block as it is: none of its threads will run again.
// (`block.error` is set before, in a statement of its own: nothing on this stack is destroyed.)
[[noreturn]] void abandon() {
  block.current->fiber->switch_to(&main_fiber);
  abort();
}

bool at_one_place(const Thread &a, const Thread &b) {
  return a.operation == b.operation && a.line == b.line && (a.file == b.file || !strcmp(a.file, b.file));
}

// No thread can go on, and not all have ended: says who waits where.
void describe_stall() {
  std::string words = "its threads diverge, or wait for each other in vain:";
  std::vector<std::pair<std::string, int>> places;
  for (int i = 0; i < block.count; i++) {
    const Thread &thread = block.threads[i];
    const std::string where = thread.state == State::exited ? "have ended" : "wait in " + place(thread);
    bool known = false;
    for (auto &entry : places) {
      if (entry.first == where) entry.second++, known = true;
    }
    if (!known) places.push_back({where, 1});
  }
  for (size_t i = 0; i < places.size() && i < 6; i++) {
    words += (i ? ", " : " ") + std::to_string(places[i].second) + " " + places[i].first;
  }
  block.error = words;
}

void run_threads();

// What runs after the current thread has waited or ended, on a fiber that is ready for it; NULL: nothing can.
Thread *next_thread() {
  if (Thread *thread = next_ready()) return thread;
  Thread *thread = next_fresh();
  if (!thread) return nullptr;
  if (free_fibers.empty()) {
    free_fibers.push_back(Fiber::create());
    free_fibers.back()->prepare(run_threads);
    all_fibers.push_back(free_fibers.back());
  }
  thread->fiber = free_fibers.back();
  free_fibers.pop_back();
  return thread;
}

void resume(Thread *thread) {
  block.current = thread;
  threadIdx = thread->index;
}

// The current thread waits until it is made ready.
void wait() {
  Thread *self = block.current, *next = next_thread();
  if (!next) {
    describe_stall();
    abandon();
  }
  resume(next);
  self->fiber->switch_to(next->fiber);
}

void run_threads() {
  Fiber::entered();
  for (;;) {
    Thread *self = block.current;
    self->state = State::running;
    (*block.body)();
    self->state = State::exited;
    block.exited++;
    Fiber *fiber = self->fiber;
    // On this fiber goes on what has not begun, unless something waits to go on elsewhere.
    if (!block.ready_count) {
      if (Thread *fresh = next_fresh()) {
        fresh->fiber = fiber;
        resume(fresh);
        continue;
      }
    }
    Thread *next = next_ready();
    if (!next && block.exited < block.count) {
      describe_stall();
      abandon();
    }
    free_fibers.push_back(fiber);
    if (next) resume(next);
    fiber->switch_to(next ? next->fiber : &main_fiber);
  }
}

void poison_shared_memory(size_t bytes) {
  memset(block.dynamic_shared, 0xff, bytes);
#ifdef IC_EMULATION_SHARED_SECTION
  memset(section_start, 0xff, size_t(section_end - section_start));
#endif
}

void prepare_threads(const std::function<void()> &body) {
  block.body = &body;
  block.count = int(blockDim.x * blockDim.y * blockDim.z);
  for (int i = 0; i < block.count; i++) {
    const unsigned n = unsigned(i);
    block.threads[i].index = {n % blockDim.x, n / blockDim.x % blockDim.y, n / blockDim.x / blockDim.y};
  }
  for (int w = 0; w < 32; w++) {
    const int lanes = block.count - w * 32;
    block.lanes[w] = lanes >= 32 ? ~0u : lanes > 0 ? (1u << lanes) - 1 : 0;
  }
}

void run_block(bool descending) {
  for (int i = 0; i < block.count; i++) block.threads[i].state = State::fresh;
  memset(block.waiting, 0, sizeof block.waiting);
  block.ready_first = block.ready_count = block.started = block.exited = block.arrived = block.predicates = 0;
  block.descending = descending;
  Thread *first = next_thread();
  resume(first);
  main_fiber.switch_to(first->fiber);
}

}  // namespace

std::string run_blocks(dim3 grid, dim3 threads, size_t shared_bytes, const std::function<void()> &body) {
  static unsigned launches = 0;
  launches++;
  gridDim = grid;
  blockDim = threads;
  prepare_threads(body);
  // Of exactly this size under the address sanitizer, which sees who leaves it; else there is a canary behind it.
  block.dynamic_shared = static_cast<unsigned char *>(malloc(shared_bytes + canary_bytes));
  memset(block.dynamic_shared + shared_bytes, canary, canary_bytes);
  block.error.clear();
  main_fiber = Fiber();
  unsigned number = 0;
  for (unsigned z = 0; z < grid.z; z++) {
    for (unsigned y = 0; y < grid.y; y++) {
      for (unsigned x = 0; x < grid.x && block.error.empty(); x++) {
        blockIdx = {x, y, z};
        // Static shared memory is poisoned for the first blocks only: it is that of all kernels together.
        if (number < 4) poison_shared_memory(shared_bytes);
        else memset(block.dynamic_shared, 0xff, shared_bytes);
        run_block((number++ ^ launches) & 1);
        if (!block.error.empty()) block.error = "in block " + text(blockIdx) + " " + block.error;
      }
    }
  }
  for (size_t i = 0; i < canary_bytes && block.error.empty(); i++) {
    if (block.dynamic_shared[shared_bytes + i] != canary) {
      block.error = "it writes behind the " + std::to_string(shared_bytes) + " bytes of its dynamic shared memory";
    }
  }
  free(block.dynamic_shared);
  if (!block.error.empty()) {
    for (Fiber *fiber : all_fibers) fiber->prepare(run_threads);
    free_fibers = all_fibers;
    return block.error;
  }
  return {};
}

unsigned lane() { return unsigned(block.current - block.threads) % 32; }

void *dynamic_shared() { return block.dynamic_shared; }

int block_barrier(int value, const char *file, int line) {
  Thread *self = block.current;
  self->state = State::in_block;
  self->operation = Operation::syncthreads;
  self->file = file;
  self->line = line;
  block.predicates += value != 0;
  if (++block.arrived < block.count) {
    wait();
    return block.barrier_result;
  }
  block.barrier_result = block.predicates;
  block.arrived = block.predicates = 0;
  for (int i = 0; i < block.count; i++) {
    Thread *thread = &block.threads[block.descending ? block.count - 1 - i : i];
    if (!at_one_place(*thread, *self)) {
      block.error = "its threads diverge: they wait in " + place(*thread) + " and in " + place(*self);
      abandon();
    }
    if (thread != self) make_ready(thread);
  }
  self->state = State::running;
  return block.barrier_result;
}

uint64_t warp_exchange(
  Operation operation, unsigned mask, uint64_t value, unsigned source, const char *file, int line) {
  Thread *self = block.current;
  const int warp = int(self - block.threads) / 32;
  Thread *lanes = block.threads + warp * 32;
  const unsigned own = 1u << (self - lanes), group = mask & block.lanes[warp];
  self->operation = operation;
  self->mask = mask;
  self->value = value;
  self->source = source;
  self->file = file;
  self->line = line;
  if (!(mask & own)) {
    block.error = "thread " + text(self->index) + " calls " + place(*self) + " with a mask that it is not in";
    abandon();
  }
  block.waiting[warp] |= own;
  if ((block.waiting[warp] & group) != group) {
    self->state = State::in_warp;
    wait();
    return self->value;
  }
  // The last one to arrive computes what each of them gets.
  uint64_t values[32];
  unsigned votes = 0;
  for (unsigned rest = group; rest; rest &= rest - 1) {
    const int i = __builtin_ctz(rest);
    const Thread &thread = lanes[i];
    if (thread.mask != mask || !at_one_place(thread, *self)) {
      block.error = "the threads of a warp diverge: they wait in " + place(thread) + " and in " + place(*self) +
        (thread.mask != mask ? ", with different masks" : "");
      abandon();
    }
    values[i] = thread.value;
    votes |= unsigned(thread.value != 0) << i;
  }
  block.waiting[warp] &= ~group;
  for (unsigned rest = group; rest; rest &= rest - 1) {
    Thread *thread = &lanes[__builtin_ctz(rest)];
    if (operation == Operation::ballot) thread->value = votes;
    // A lane that does not take part has no value to give.
    if (operation == Operation::shuffle) thread->value = group >> thread->source & 1 ? values[thread->source] : ~0ull;
    if (thread != self) make_ready(thread);
  }
  return self->value;
}

}  // namespace emulation
