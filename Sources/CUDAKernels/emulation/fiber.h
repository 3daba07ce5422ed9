// Fibers: stacks of their own between which one thread of the processor switches. A switch costs a few nanoseconds,
// where `swapcontext` of the C library makes two system calls.
#pragma once

#include <stddef.h>

namespace emulation {

class Fiber {
public:
  // The stack that is running when the first switch happens.
  Fiber() = default;
  // A stack of its own, a page that may not be touched below it.
  static Fiber *create();

  // Makes the next switch to this fiber call `entry`, which never returns; what was on its stack is gone.
  void prepare(void (*entry)());
  // From this fiber, the one that runs, to another.
  void switch_to(Fiber *other);
  // First thing in an entry.
  static void entered() { arrived(nullptr); }

private:
  void *stack_pointer = nullptr;
  char *stack = nullptr;
  size_t size = 0;
  static void arrived(void *fake_stack);
  static Fiber *left;
  // Of the address sanitizer.
  void *fake_stack = nullptr;
};

}  // namespace emulation
