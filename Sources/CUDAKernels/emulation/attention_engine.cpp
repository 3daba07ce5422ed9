// The twin of attention_cudnn.cu: an engine that serves no shape, so that the kernels of this package do.
#include "../kernels.cuh"

#include <stdio.h>

ic_status ic_attention_engine_create(ic_context *, const ic_context_options *) { return IC_OK; }
void ic_attention_engine_destroy(ic_context *) {}
void ic_attention_engine_describe(ic_context *, char *words, size_t capacity) {
  snprintf(words, capacity, "the kernels of this package");
}
ic_status ic_attention_engine_forward(
  ic_context *, ic_tensor, ic_tensor, ic_tensor, ic_tensor, ic_tensor, ic_attention_spec) {
  return IC_UNSUPPORTED;
}
ic_status ic_attention_engine_backward(
  ic_context *, ic_tensor, ic_tensor, ic_tensor, ic_tensor, ic_tensor, ic_tensor, ic_tensor, ic_attention_spec) {
  return IC_UNSUPPORTED;
}
