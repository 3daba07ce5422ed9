// Launches: what a device would refuse is refused, what fails says which kernel it was.
#include "machine.h"
#include "threads.h"

namespace emulation {
namespace {

// Runs a kernel, which returns words when it fails, and looks at the memory it left.
template <class Run> cudaError_t finish(const char *kernel, Run run) {
  const char *failing = machine().failing_kernel;
  std::string error = failing && strstr(kernel, failing) ? "it was told to fail" : run();
  if (error.empty()) error = find_overrun();
  if (error.empty()) return cudaSuccess;
  return fail(cudaErrorLaunchFailure, std::string("kernel ") + kernel + " failed: " + error);
}

}  // namespace

std::string text(uint3 index) {
  return "(" + std::to_string(index.x) + ", " + std::to_string(index.y) + ", " + std::to_string(index.z) + ")";
}

void launch(
  const char *name, const void *kernel, dim3 grid, dim3 threads, size_t shared_bytes, cudaStream_t stream,
  std::function<void()> body) {
  const unsigned long long count = (unsigned long long)(threads.x) * threads.y * threads.z;
  const std::string what = std::string("kernel ") + name;
  if (!grid.x || !grid.y || !grid.z || grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535) {
    fail(cudaErrorInvalidConfiguration, what + ": a grid of " + text({grid.x, grid.y, grid.z}) +
      " blocks; each is at least 1, and y and z are at most 65535");
    return;
  }
  if (!count || count > 1024 || threads.z > 64) {
    fail(cudaErrorInvalidConfiguration, what + ": a block of " + text({threads.x, threads.y, threads.z}) +
      " threads; 1 to 1024 are possible");
    return;
  }
  const size_t limit = shared_memory_limit(kernel);
  if (shared_bytes > limit) {
    fail(cudaErrorInvalidValue, what + ": " + std::to_string(shared_bytes) + " bytes of dynamic shared memory, of " +
      std::to_string(limit) + "; cudaFuncSetAttribute allows more than 49152");
    return;
  }
  submit(stream, [=] { return finish(name, [&] { return run_blocks(grid, threads, shared_bytes, body); }); });
}

void submit_kernel(const char *name, cudaStream_t stream, std::function<void()> body) {
  submit(stream, [=] { return finish(name, [&] { return body(), std::string(); }); });
}

}  // namespace emulation
