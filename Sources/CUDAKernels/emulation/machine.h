// What the parts of the emulation know of each other.
#pragma once

#include "../include/cuda_emulation.h"
#include "runtime.h"

#include <functional>
#include <mutex>
#include <string>

namespace emulation {

// The machine of this thread.
const cuda_emulation &machine();

// Held by whoever touches streams, memory or the threads of a block: one kernel runs at a time.
std::recursive_mutex &driver();

// Sets the error of this thread; `words` replace CUDA's own.
cudaError_t fail(cudaError_t, std::string words = {});

// Gives work to a stream: into its capture, its queue, or done at once.
cudaError_t submit(cudaStream_t, std::function<cudaError_t()>);

// Gives a stream what stands for a kernel but is not one; it can be made to fail by its name.
void submit_kernel(const char *name, cudaStream_t, std::function<void()>);

// Runs a whole launch; words when it fails.
std::string run_blocks(dim3 grid, dim3 threads, size_t shared_bytes, const std::function<void()> &body);

// "(1, 2, 3)"
std::string text(uint3 index);

// Whether this thread captures a stream in a way that forbids allocations.
bool is_capturing();

// Whether all of these bytes are in one allocation, of pinned host memory or of the device.
bool is_allocated(const void *address, size_t bytes, bool host);

// The most dynamic shared memory of a block of this kernel.
size_t shared_memory_limit(const void *kernel);

// What memory behind an allocation is filled with.
constexpr unsigned char canary = 0xc3;
// Words if memory behind an allocation has been written.
std::string find_overrun();

}  // namespace emulation
