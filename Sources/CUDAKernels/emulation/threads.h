// The threads of a block, what they do together, and launches.
#pragma once

#include "runtime.h"
#include "types.h"

#include <functional>
#include <tuple>

// Of the thread that runs.
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
constexpr int warpSize = 32;

namespace emulation {

// What threads wait in together, all of a block or those of a warp that a mask names.
enum class Operation : uint8_t { syncthreads, syncwarp, shuffle, ballot };

// Waits for all threads of the block; how many of them had a `value` other than 0.
int block_barrier(int value, const char *file, int line);
// Waits for the lanes of `mask`. Of a shuffle: the value of lane `source`. Of a ballot: the lanes whose value is not 0.
uint64_t warp_exchange(Operation, unsigned mask, uint64_t value, unsigned source, const char *file, int line);
unsigned lane();
// The dynamic shared memory of the block that runs.
void *dynamic_shared();

// What IC_LAUNCH does once the kernel's arguments are bound: checks the limits, and gives the launch to the stream.
void launch(
  const char *name, const void *kernel, dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t,
  std::function<void()> body);

template <class... Parameters, class... Arguments>
void launch_kernel(
  const char *name, void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream,
  Arguments &&...arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments), "a kernel takes as many arguments as it has parameters");
  static_assert((sizeof(std::decay_t<Parameters>) + ... + 0) <= 4096, "CUDA passes at most 4096 bytes to a kernel");
  auto bound = std::tuple<std::decay_t<Parameters>...>(std::forward<Arguments>(arguments)...);
  launch(name, reinterpret_cast<const void *>(kernel), grid, block, shared_bytes, stream,
    [kernel, bound] { std::apply(kernel, bound); });
}

template <class T> T shuffle(unsigned mask, T value, unsigned source, const char *file, int line) {
  static_assert(sizeof(T) <= 8, "a shuffle moves at most 8 bytes");
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof value);
  bits = warp_exchange(Operation::shuffle, mask, bits, source, file, line);
  memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace emulation

#define IC_LAUNCH(kernel, grid, block, shared_bytes, context, ...)                                          \
  ((context)->preparing ? void()                                                                          \
                        : emulation::launch_kernel(#kernel, (kernel), dim3(grid), dim3(block),              \
                            (shared_bytes), (context)->stream, __VA_ARGS__))
#define IC_DYNAMIC_SHARED(type, name) type *name = reinterpret_cast<type *>(emulation::dynamic_shared())

// Where the caller is, for messages, and so that two different barriers are told apart.
#define IC_HERE const char *file = __builtin_FILE(), int line = __builtin_LINE()

inline void __syncthreads(IC_HERE) { emulation::block_barrier(0, file, line); }
inline int __syncthreads_count(int predicate, IC_HERE) { return emulation::block_barrier(predicate, file, line); }
inline int __syncthreads_or(int predicate, IC_HERE) { return emulation::block_barrier(predicate, file, line) != 0; }
inline int __syncthreads_and(int predicate, IC_HERE) { return emulation::block_barrier(!predicate, file, line) == 0; }

inline void __syncwarp(unsigned mask = ~0u, IC_HERE) {
  emulation::warp_exchange(emulation::Operation::syncwarp, mask, 0, 0, file, line);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, IC_HERE) {
  return unsigned(emulation::warp_exchange(emulation::Operation::ballot, mask, predicate != 0, 0, file, line));
}
inline int __any_sync(unsigned mask, int predicate, IC_HERE) {
  return __ballot_sync(mask, predicate, file, line) != 0;
}
inline int __all_sync(unsigned mask, int predicate, IC_HERE) {
  return __ballot_sync(mask, !predicate, file, line) == 0;
}

// `width` splits the warp into sections that shuffle among themselves.
template <class T> T __shfl_sync(unsigned mask, T value, int source, int width = warpSize, IC_HERE) {
  const unsigned lane = emulation::lane(), section = lane & ~unsigned(width - 1);
  return emulation::shuffle(mask, value, section | (unsigned(source) & unsigned(width - 1)), file, line);
}
template <class T> T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = warpSize, IC_HERE) {
  const unsigned lane = emulation::lane(), source = lane ^ unsigned(lanes);
  const bool inside = source < (lane & ~unsigned(width - 1)) + unsigned(width);
  return emulation::shuffle(mask, value, inside ? source : lane, file, line);
}
template <class T> T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = warpSize, IC_HERE) {
  const unsigned lane = emulation::lane(), source = lane + delta;
  const bool inside = source < (lane & ~unsigned(width - 1)) + unsigned(width);
  return emulation::shuffle(mask, value, inside ? source : lane, file, line);
}
template <class T> T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = warpSize, IC_HERE) {
  const unsigned lane = emulation::lane();
  const bool inside = lane >= (lane & ~unsigned(width - 1)) + delta;
  return emulation::shuffle(mask, value, inside ? lane - delta : lane, file, line);
}
#undef IC_HERE
