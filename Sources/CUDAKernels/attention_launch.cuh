// How kernels of attention are chosen and launched.
#pragma once

#include "attention.cuh"

#include <limits.h>
#include <type_traits>

// The shared memory that a kernel needs, and the number of its blocks.
inline ic_status ic_allow_shared_memory(
  ic_context *context, const char *name, const void *kernel, size_t shared_bytes, int64_t blocks) {
  if (blocks > INT_MAX) {
    return ic_fail(context, IC_INVALID, "%s: %lld thread blocks are more than CUDA launches", name, (long long)blocks);
  }
  if (shared_bytes > size_t(context->shared_memory)) {
    return ic_fail(
      context, IC_UNSUPPORTED, "%s: a block needs %zu bytes of shared memory, this GPU gives it %d", name, shared_bytes,
      context->shared_memory);
  }
  // All there is, and not what this shape needs: the kernel is one for all threads of the program, and their shapes
  // differ.
  const cudaError_t error =
    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, context->shared_memory);
  return error == cudaSuccess ? IC_OK : ic_launched(context, name);
}

template <class Arguments, class... More>
ic_status ic_launch_attention(
  ic_context *context, const char *name, void (*kernel)(Arguments, More...), int64_t blocks, int threads,
  size_t shared_bytes, const Arguments &arguments, More... more) {
  const ic_status status =
    ic_allow_shared_memory(context, name, reinterpret_cast<const void *>(kernel), shared_bytes, blocks);
  if (status != IC_OK) return status;
  IC_LAUNCH(kernel, unsigned(blocks), threads, shared_bytes, context, arguments, more...);
  return ic_launched(context, name);
}

// Calls `body` with the width of tiles, a constant, for heads of `dimension` elements.
template <class Body> ic_status ic_by_width(int dimension, Body body) {
  if (dimension <= 32) return body(std::integral_constant<int, 32>());
  if (dimension <= 64) return body(std::integral_constant<int, 64>());
  if (dimension <= 80) return body(std::integral_constant<int, 80>());
  if (dimension <= 96) return body(std::integral_constant<int, 96>());
  if (dimension <= 112) return body(std::integral_constant<int, 112>());
  if (dimension <= 128) return body(std::integral_constant<int, 128>());
  return body(std::integral_constant<int, 256>());
}

// The same for the columns of a lane of the float32 kernels.
template <class Body> ic_status ic_by_columns(int dimension, Body body) {
  if (dimension <= 64) return body(std::integral_constant<int, 2>());
  if (dimension <= 128) return body(std::integral_constant<int, 4>());
  return body(std::integral_constant<int, 8>());
}

// Calls `body` with whether scores are adjusted, a constant.
template <class Body> auto ic_by_adjustment(const ic_attention_sizes &shape, Body body) {
  return shape.are_scores_adjusted() ? body(std::true_type()) : body(std::false_type());
}
