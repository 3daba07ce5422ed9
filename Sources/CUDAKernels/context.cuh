// What every launch needs: the stream, scratch memory, the step's scalars, and how errors are reported.
#pragma once

#include "platform.cuh"

struct ic_context {
  cudaStream_t stream;
  int device, capability, multiprocessors;
  // Largest dynamic shared memory of a block, in bytes.
  int shared_memory;
  ic_math math;
  // Nothing is launched: see `prepare_begin`.
  bool preparing;
  bool capturing;
  // Wait after each kernel.
  bool checking;
  // See ic_context_options.
  bool tuning;
  // On the device: read by kernels.
  ic_step_scalars *scalars;
  // The pinned struct that the host writes, and where kernels reach its `non_finite`.
  ic_step_scalars *host_scalars;
  int32_t *host_non_finite;
  void *scratch;
  size_t scratch_bytes;
  // Scratch memory that was outgrown, kept for the graphs that were captured with it.
  struct ic_retired_scratch *retired_scratch;
  // Graphs that were captured and not destroyed.
  int graphs;
  struct ic_transfers *transfers;
  struct ic_matmul_engine *matmul;
  struct ic_attention_engine *attention;
  char error[1024];
};

// Scratch memory of the device: at least `bytes`, aligned to 256, its contents good until the next function of the table
// is called. Grows outside of captures only. NULL (and the context's error is set) when there is no memory.
void *ic_scratch(ic_context *context, size_t bytes);

// After the launches of one kernel of the table: the status of them.
ic_status ic_launched(ic_context *context, const char *kernel);

// Sets the context's error and returns `status`.
__attribute__((format(printf, 3, 4))) ic_status ic_fail(
  ic_context *context, ic_status status, const char *format, ...);

template <class T> T *ic_pointer(ic_tensor tensor) { return reinterpret_cast<T *>(tensor.address); }

// Calls `body` with a value of the element type of a float32 or bfloat16 tensor.
template <class Body> ic_status ic_by_type(ic_context *context, ic_dtype dtype, const char *kernel, Body body) {
  switch (dtype) {
  case IC_FLOAT32: return body(float());
  case IC_BFLOAT16: return body(bf16());
  default: return ic_fail(context, IC_INVALID, "%s: float32 or bfloat16 expected", kernel);
  }
}
