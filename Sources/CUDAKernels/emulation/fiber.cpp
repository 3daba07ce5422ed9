#include "fiber.h"
#include "types.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef IC_EMULATION_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

// ic_switch_stack(void **from, void *to): pushes the registers that a function must preserve, stores the stack pointer
// in *from, takes `to` for it, and pops.
#ifdef __APPLE__
#define IC_SYMBOL "_ic_switch_stack"
#define IC_HIDDEN ".private_extern " IC_SYMBOL "\n"
#else
#define IC_SYMBOL "ic_switch_stack"
#define IC_HIDDEN ".hidden " IC_SYMBOL "\n"
#endif

#if defined(__x86_64__)
asm(".text\n.globl " IC_SYMBOL "\n" IC_HIDDEN IC_SYMBOL ":\n"
    "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
    "  movq %rsp, (%rdi)\n  movq %rsi, %rsp\n"
    "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n"
    "  ret\n");
// Six registers, the return address, and what makes the stack of a function that was called: 8 bytes off 16.
static constexpr size_t frame_words = 8, return_word = 6;
#elif defined(__aarch64__)
asm(".text\n.globl " IC_SYMBOL "\n" IC_HIDDEN IC_SYMBOL ":\n"
    "  sub sp, sp, #160\n"
    "  stp x19, x20, [sp]\n  stp x21, x22, [sp, #16]\n  stp x23, x24, [sp, #32]\n  stp x25, x26, [sp, #48]\n"
    "  stp x27, x28, [sp, #64]\n  stp x29, x30, [sp, #80]\n"
    "  stp d8, d9, [sp, #96]\n  stp d10, d11, [sp, #112]\n  stp d12, d13, [sp, #128]\n  stp d14, d15, [sp, #144]\n"
    "  mov x2, sp\n  str x2, [x0]\n  mov sp, x1\n"
    "  ldp x19, x20, [sp]\n  ldp x21, x22, [sp, #16]\n  ldp x23, x24, [sp, #32]\n  ldp x25, x26, [sp, #48]\n"
    "  ldp x27, x28, [sp, #64]\n  ldp x29, x30, [sp, #80]\n"
    "  ldp d8, d9, [sp, #96]\n  ldp d10, d11, [sp, #112]\n  ldp d12, d13, [sp, #128]\n  ldp d14, d15, [sp, #144]\n"
    "  add sp, sp, #160\n  ret\n");
static constexpr size_t frame_words = 20, return_word = 11;
#else
#error "the emulation of CUDA switches stacks on x86-64 and aarch64"
#endif

extern "C" void ic_switch_stack(void **from, void *to);

namespace emulation {

#ifdef IC_EMULATION_ASAN
static constexpr size_t stack_size = 1 << 20;
#else
static constexpr size_t stack_size = 256 << 10;
#endif

Fiber *Fiber::create() {
  const size_t guard = size_t(sysconf(_SC_PAGESIZE));
  void *memory = mmap(
    nullptr, guard + stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory, guard, PROT_NONE)) abort();
  auto *fiber = new Fiber;
  fiber->stack = static_cast<char *>(memory) + guard;
  fiber->size = stack_size;
  return fiber;
}

// The fiber that was switched from last.
Fiber *Fiber::left = nullptr;

void Fiber::prepare(void (*entry)()) {
#ifdef IC_EMULATION_ASAN
  __asan_unpoison_memory_region(stack, size);
#endif
  auto **frame = reinterpret_cast<void **>(stack + size) - frame_words;
  for (size_t i = 0; i < frame_words; i++) frame[i] = nullptr;
  frame[return_word] = reinterpret_cast<void *>(entry);
  stack_pointer = frame;
  fake_stack = nullptr;
}

void Fiber::switch_to(Fiber *other) {
  left = this;
#ifdef IC_EMULATION_ASAN
  __sanitizer_start_switch_fiber(&fake_stack, other->stack, other->size);
#endif
  ic_switch_stack(&stack_pointer, other->stack_pointer);
  arrived(fake_stack);
}

void Fiber::arrived(void *fake_stack) {
#ifdef IC_EMULATION_ASAN
  const void *stack;
  size_t size;
  __sanitizer_finish_switch_fiber(fake_stack, &stack, &size);
  // How the fiber that is not from `create` gets to know its stack.
  left->stack = static_cast<char *>(const_cast<void *>(stack));
  left->size = size;
#else
  (void)fake_stack;
#endif
}

}  // namespace emulation
