// Memory of the device, and the scratch memory of kernels.
#include "host.cuh"

ic_status ic_memory_info(ic_context *context, uint64_t *free, uint64_t *total) {
  size_t free_bytes = 0, total_bytes = 0;
  IC_TRY(context, "memory_info", cudaMemGetInfo(&free_bytes, &total_bytes));
  *free = free_bytes;
  *total = total_bytes;
  return IC_OK;
}

static double gibibytes(uint64_t bytes) { return double(bytes) / (1u << 30); }

// cudaMalloc with a message that says how much there is.
static ic_status allocate(ic_context *context, const char *what, uint64_t bytes, void **address) {
  const cudaError_t error = cudaMalloc(address, bytes ? bytes : 1);
  if (error != cudaErrorMemoryAllocation) {
    return error == cudaSuccess ? IC_OK : ic_runtime_error(context, what, error);
  }
  cudaGetLastError();
  uint64_t free = 0, total = 0;
  ic_memory_info(context, &free, &total);
  return ic_fail(context, IC_OUT_OF_MEMORY, "%s: %.3f GiB of device memory are needed, %.3f of %.3f GiB are free", what,
    gibibytes(bytes), gibibytes(free), gibibytes(total));
}

ic_status ic_allocate(ic_context *context, uint64_t bytes, uint64_t *address) {
  *address = 0;
  if (context->capturing) return ic_fail(context, IC_INVALID, "allocate: not while a graph is captured");
  void *memory = nullptr;
  const ic_status status = allocate(context, "allocate", bytes, &memory);
  if (status != IC_OK) return status;
  // In the order of the stream: what uses the memory comes after.
  const cudaError_t error = cudaMemsetAsync(memory, 0, bytes, context->stream);
  if (error != cudaSuccess) {
    cudaFree(memory);
    return ic_runtime_error(context, "allocate", error);
  }
  *address = reinterpret_cast<uint64_t>(memory);
  return IC_OK;
}

ic_status ic_release(ic_context *context, uint64_t address) {
  // Waits for the device, so for all that uses the memory.
  IC_TRY(context, "release", cudaFree(reinterpret_cast<void *>(address)));
  return IC_OK;
}

// MARK: Scratch

// A block that was too small, but that graphs captured before may use.
struct ic_retired_scratch {
  void *address;
  ic_retired_scratch *next;
};

static void release_retired(ic_context *context) {
  while (ic_retired_scratch *retired = context->retired_scratch) {
    context->retired_scratch = retired->next;
    cudaFree(retired->address);
    delete retired;
  }
}

void *ic_scratch(ic_context *context, size_t bytes) {
  if (bytes <= context->scratch_bytes) return context->scratch;
  if (context->capturing) {
    ic_fail(context, IC_INVALID, "scratch memory: %zu bytes, of which only %zu were reserved before the capture", bytes,
      context->scratch_bytes);
    return nullptr;
  }
  if (context->graphs == 0) {
    release_retired(context);
    cudaFree(context->scratch);
  } else {
    context->retired_scratch = new ic_retired_scratch{context->scratch, context->retired_scratch};
  }
  context->scratch = nullptr;
  context->scratch_bytes = 0;
  // The size in which the device hands out memory anyway.
  constexpr size_t page = 2 << 20;
  const size_t rounded = (bytes + page - 1) / page * page;
  if (allocate(context, "scratch memory", rounded, &context->scratch) != IC_OK) return nullptr;
  context->scratch_bytes = rounded;
  return context->scratch;
}

void ic_scratch_destroy(ic_context *context) {
  release_retired(context);
  cudaFree(context->scratch);
  context->scratch = nullptr;
  context->scratch_bytes = 0;
}
