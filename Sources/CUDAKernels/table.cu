// The table of functions that the library exports.
#include "host.cuh"
#include "kernels.cuh"

#define IC_TEXT_(value) #value
#define IC_TEXT(value) IC_TEXT_(value)
#ifdef __CUDACC__
#ifndef IC_BUILD_TARGETS
#define IC_BUILD_TARGETS "targets unknown"
#endif
#define IC_BUILD                                                                                         \
  "nvcc " IC_TEXT(__CUDACC_VER_MAJOR__) "." IC_TEXT(__CUDACC_VER_MINOR__) "." IC_TEXT(__CUDACC_VER_BUILD__) \
    "; " IC_BUILD_TARGETS
#else
#define IC_BUILD "CUDA emulated on the processor"
#endif

namespace {

// What the table calls a function by: on the context's device, whichever thread calls.
template <auto function> struct Entry;
template <class Result, class... Arguments, Result (*function)(ic_context *, Arguments...)> struct Entry<function> {
  static Result call(ic_context *context, Arguments... arguments) {
    cudaSetDevice(context->device);
    return function(context, arguments...);
  }
};

void context_info(ic_context *context, ic_context_info *info) {
  ic_matmul_engine_describe(context, info->matmul, sizeof info->matmul);
  ic_attention_engine_describe(context, info->attention, sizeof info->attention);
}

const char *last_error(ic_context *context) { return context->error; }

const ic_table table = {
  sizeof(ic_table),
  IC_ABI_MAJOR,
  IC_ABI_MINOR,
  0,
  IC_BUILD,

  ic_device_count,
  ic_get_device_info,
  ic_context_create,
  ic_context_destroy,
  context_info,
  last_error,
  Entry<ic_synchronize>::call,

  Entry<ic_allocate>::call,
  Entry<ic_release>::call,
  Entry<ic_memory_info>::call,
  Entry<ic_upload>::call,
  Entry<ic_download>::call,

  ic_scalars,
  Entry<ic_store_scalars>::call,

  Entry<ic_prepare_begin>::call,
  Entry<ic_prepare_end>::call,
  Entry<ic_capture_begin>::call,
  Entry<ic_capture_end>::call,
  Entry<ic_graph_launch>::call,
  Entry<ic_graph_destroy>::call,
  Entry<ic_event_record>::call,
  Entry<ic_elapsed>::call,
  Entry<ic_event_destroy>::call,

  Entry<ic_matmul>::call,
  Entry<ic_bias_gradient>::call,

  Entry<ic_gather_rows>::call,
  Entry<ic_gather_rows_backward>::call,

  Entry<ic_norm>::call,
  Entry<ic_norm_backward>::call,

  Entry<ic_head_norm>::call,
  Entry<ic_head_norm_backward>::call,
  Entry<ic_rope>::call,
  Entry<ic_attention>::call,
  Entry<ic_attention_backward>::call,
  Entry<ic_attention_cached>::call,
  Entry<ic_attention_tree>::call,

  Entry<ic_activate>::call,
  Entry<ic_activate_backward>::call,
  Entry<ic_gated>::call,
  Entry<ic_gated_backward>::call,
  Entry<ic_add>::call,
  Entry<ic_copy>::call,
  Entry<ic_fill>::call,

  Entry<ic_cross_entropy>::call,
  Entry<ic_log_probabilities>::call,

  Entry<ic_sum_of_squares>::call,
  Entry<ic_adamw>::call,

  {},
};

}  // namespace

extern "C" __attribute__((visibility("default"))) const ic_table *inheritune_cuda_table(uint32_t major) {
  return major == IC_ABI_MAJOR ? &table : nullptr;
}
