// Devices, errors and memory of the emulated runtime; streams.cpp has the rest.
#include "runtime.h"
#include "machine.h"

#include <map>
#include <stdlib.h>

namespace emulation {
namespace {

const cuda_emulation default_machine = {1, 90, CUDART_VERSION, 1ull << 40, false, nullptr};
thread_local const cuda_emulation *current_machine = &default_machine;
thread_local cudaError_t last_error = cudaSuccess;
thread_local std::string last_words;

struct Allocation {
  size_t bytes;
  bool host;
  // Counts against the memory of this machine.
  const cuda_emulation *machine;
};

// Of all machines, by address; guarded by `driver`.
std::map<const char *, Allocation> allocations;
std::map<const void *, int> shared_memory_limits;

#ifdef IC_EMULATION_ASAN
constexpr size_t canary_bytes = 0;
#else
constexpr size_t canary_bytes = 64;
#endif

size_t used_memory() {
  size_t used = 0;
  for (const auto &entry : allocations) {
    if (!entry.second.host && entry.second.machine == &machine()) used += entry.second.bytes;
  }
  return used;
}

size_t most_shared_memory() {
  switch (machine().capability) {
  case 80: return 163 << 10;
  case 86:
  case 89: return 99 << 10;
  default: return 227 << 10;
  }
}

cudaError_t allocate(void **address, size_t bytes, bool host) {
  std::lock_guard<std::recursive_mutex> lock(driver());
  *address = nullptr;
  if (!host && (bytes > machine().memory || used_memory() > machine().memory - bytes)) {
    return fail(cudaErrorMemoryAllocation);
  }
  void *memory = nullptr;
  if (posix_memalign(&memory, 256, bytes + canary_bytes)) return fail(cudaErrorMemoryAllocation);
  memset(memory, 0xff, bytes);
  memset(static_cast<char *>(memory) + bytes, canary, canary_bytes);
  allocations[static_cast<char *>(memory)] = {bytes, host, &machine()};
  *address = memory;
  return cudaSuccess;
}

cudaError_t release(void *address, bool host) {
  if (!address) return cudaSuccess;
  const cudaError_t status = cudaDeviceSynchronize();
  std::lock_guard<std::recursive_mutex> lock(driver());
  const auto entry = allocations.find(static_cast<char *>(address));
  if (entry == allocations.end() || entry->second.host != host) return fail(cudaErrorInvalidValue);
  allocations.erase(entry);
  free(address);
  return status;
}

}  // namespace

const cuda_emulation &machine() { return *current_machine; }

std::recursive_mutex &driver() {
  static std::recursive_mutex mutex;
  return mutex;
}

cudaError_t fail(cudaError_t error, std::string words) {
  last_error = error;
  last_words = std::move(words);
  return error;
}

size_t shared_memory_limit(const void *kernel) {
  std::lock_guard<std::recursive_mutex> lock(driver());
  const auto entry = shared_memory_limits.find(kernel);
  return entry == shared_memory_limits.end() ? 48 << 10 : size_t(entry->second);
}

bool is_allocated(const void *address, size_t bytes, bool host) {
  std::lock_guard<std::recursive_mutex> lock(driver());
  const char *begin = static_cast<const char *>(address);
  auto entry = allocations.upper_bound(begin);
  if (entry == allocations.begin()) return false;
  --entry;
  const size_t offset = size_t(begin - entry->first);
  return entry->second.host == host && offset <= entry->second.bytes && bytes <= entry->second.bytes - offset;
}

std::string find_overrun() {
  for (const auto &entry : allocations) {
    const char *end = entry.first + entry.second.bytes;
    for (size_t i = 0; i < canary_bytes; i++) {
      if (static_cast<unsigned char>(end[i]) == canary) continue;
      memset(const_cast<char *>(end), canary, canary_bytes);
      return "it writes behind an allocation of " + std::to_string(entry.second.bytes) + " bytes";
    }
  }
  return {};
}

}  // namespace emulation

using namespace emulation;

cuda_emulation cuda_emulation_default(void) { return default_machine; }

void cuda_emulate(const cuda_emulation *machine, void (*body)(void *), void *argument) {
  const cuda_emulation *before = current_machine;
  current_machine = machine;
  fail(cudaSuccess);
  body(argument);
  cudaDeviceSynchronize();
  fail(cudaSuccess);
  current_machine = before;
}

// MARK: Errors


cudaError_t cudaGetLastError() {
  const cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}

const char *cudaGetErrorName(cudaError_t error) {
  switch (error) {
  case cudaSuccess: return "cudaSuccess";
  case cudaErrorInvalidValue: return "cudaErrorInvalidValue";
  case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
  case cudaErrorInvalidConfiguration: return "cudaErrorInvalidConfiguration";
  case cudaErrorInvalidPitchValue: return "cudaErrorInvalidPitchValue";
  case cudaErrorInsufficientDriver: return "cudaErrorInsufficientDriver";
  case cudaErrorNoDevice: return "cudaErrorNoDevice";
  case cudaErrorInvalidDevice: return "cudaErrorInvalidDevice";
  case cudaErrorNotReady: return "cudaErrorNotReady";
  case cudaErrorLaunchFailure: return "cudaErrorLaunchFailure";
  case cudaErrorStreamCaptureUnsupported: return "cudaErrorStreamCaptureUnsupported";
  case cudaErrorStreamCaptureInvalidated: return "cudaErrorStreamCaptureInvalidated";
  case cudaErrorStreamCaptureUnmatched: return "cudaErrorStreamCaptureUnmatched";
  }
  return "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error) {
  if ((error == cudaErrorLaunchFailure || error == cudaErrorInvalidConfiguration || error == cudaErrorInvalidValue) &&
      !last_words.empty()) {
    return last_words.c_str();
  }
  switch (error) {
  case cudaSuccess: return "no error";
  case cudaErrorInvalidValue: return "invalid argument";
  case cudaErrorMemoryAllocation: return "out of memory";
  case cudaErrorInvalidConfiguration: return "invalid configuration argument";
  case cudaErrorInvalidPitchValue: return "invalid pitch argument";
  case cudaErrorInsufficientDriver: return "CUDA driver version is insufficient for CUDA runtime version";
  case cudaErrorNoDevice: return "no CUDA-capable device is detected";
  case cudaErrorInvalidDevice: return "invalid device ordinal";
  case cudaErrorNotReady: return "device not ready";
  case cudaErrorLaunchFailure: return "unspecified launch failure";
  case cudaErrorStreamCaptureUnsupported: return "operation not permitted when stream is capturing";
  case cudaErrorStreamCaptureInvalidated: return "operation failed due to a previous error during capture";
  case cudaErrorStreamCaptureUnmatched: return "capture was not ended in the same stream as it began";
  }
  return "unrecognized error code";
}

// MARK: Devices

cudaError_t cudaDriverGetVersion(int *version) {
  *version = machine().driver_version;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count) {
  *count = 0;
  if (machine().driver_version < CUDART_VERSION) return fail(cudaErrorInsufficientDriver);
  if (machine().devices < 1) return fail(cudaErrorNoDevice);
  *count = machine().devices;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= machine().devices) return fail(cudaErrorInvalidDevice);
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device) {
  if (device < 0 || device >= machine().devices) return fail(cudaErrorInvalidDevice);
  *properties = cudaDeviceProp();
  strcpy(properties->name, "CUDA emulated on the processor");
  properties->totalGlobalMem = machine().memory;
  properties->sharedMemPerBlockOptin = most_shared_memory();
  properties->major = machine().capability / 10;
  properties->minor = machine().capability % 10;
  properties->multiProcessorCount = 4;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device) {
  if (device < 0 || device >= machine().devices) return fail(cudaErrorInvalidDevice);
  if (attribute == cudaDevAttrMaxSharedMemoryPerBlockOptin) *value = int(most_shared_memory());
  return cudaSuccess;
}

// MARK: Memory

cudaError_t cudaMalloc(void **address, size_t bytes) {
  if (is_capturing()) return fail(cudaErrorStreamCaptureUnsupported);
  return allocate(address, bytes, false);
}

cudaError_t cudaFree(void *address) { return release(address, false); }
cudaError_t cudaHostAlloc(void **address, size_t bytes, unsigned) { return allocate(address, bytes, true); }
cudaError_t cudaFreeHost(void *address) { return release(address, true); }

cudaError_t cudaHostGetDevicePointer(void **device, void *host, unsigned) {
  *device = host;
  return is_allocated(host, 1, true) ? cudaSuccess : fail(cudaErrorInvalidValue);
}

cudaError_t cudaMemGetInfo(size_t *free, size_t *total) {
  std::lock_guard<std::recursive_mutex> lock(driver());
  *total = machine().memory;
  *free = machine().memory - used_memory();
  return cudaSuccess;
}

// MARK: Kernels

cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute attribute, int value) {
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return fail(cudaErrorInvalidValue);
  if (value < 0 || size_t(value) > most_shared_memory()) {
    return fail(cudaErrorInvalidValue, std::to_string(value) + " bytes of dynamic shared memory; this device has " +
      std::to_string(most_shared_memory()) + " for a block");
  }
  std::lock_guard<std::recursive_mutex> lock(driver());
  shared_memory_limits[kernel] = value;
  return cudaSuccess;
}
