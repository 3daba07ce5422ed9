// The functions of the table that are not kernels: a context's life, memory and transfers, scalars, graphs, time.
#pragma once

#include "context.cuh"

// context.cu
ic_status ic_device_count(int32_t *count, char *reason, size_t capacity);
ic_status ic_get_device_info(int32_t device, ic_device_info *info, char *reason, size_t capacity);
ic_status ic_context_create(const ic_context_options *options, ic_context **context, char *reason, size_t capacity);
void ic_context_destroy(ic_context *context);
ic_status ic_synchronize(ic_context *context);
ic_step_scalars *ic_scalars(ic_context *context);
ic_status ic_store_scalars(ic_context *context);

// memory.cu
ic_status ic_allocate(ic_context *context, uint64_t bytes, uint64_t *address);
ic_status ic_release(ic_context *context, uint64_t address);
ic_status ic_memory_info(ic_context *context, uint64_t *free, uint64_t *total);
void ic_scratch_destroy(ic_context *context);

// transfers.cu
ic_status ic_transfers_create(ic_context *context);
void ic_transfers_destroy(ic_context *context);
ic_status ic_upload(ic_context *context, const void *host, ic_tensor tensor);
ic_status ic_download(ic_context *context, ic_tensor tensor, void *host);

// graphs.cu
ic_status ic_prepare_begin(ic_context *context);
ic_status ic_prepare_end(ic_context *context);
ic_status ic_capture_begin(ic_context *context);
ic_status ic_capture_end(ic_context *context, ic_graph **graph);
ic_status ic_graph_launch(ic_context *context, ic_graph *graph);
void ic_graph_destroy(ic_context *context, ic_graph *graph);
ic_status ic_event_record(ic_context *context, ic_event **event);
ic_status ic_elapsed(ic_context *context, ic_event *from, ic_event *to, float *milliseconds);
void ic_event_destroy(ic_context *context, ic_event *event);

// Reports a call of the CUDA runtime that failed, and forgets its error so that no later kernel is blamed for it.
ic_status ic_runtime_error(ic_context *context, const char *what, cudaError_t error);

// Returns from a function of the table when a call of the CUDA runtime fails.
#define IC_TRY(context, what, call)                                                 \
  do {                                                                              \
    const cudaError_t ic_error = (call);                                            \
    if (ic_error != cudaSuccess) return ic_runtime_error(context, what, ic_error);  \
  } while (0)
