// Causal attention and its gradients: by cuDNN where it serves, else by the kernels of this folder, whose tiles are
// chosen here.
#include "attention_backward.cuh"
#include "attention_float.cuh"
#include "attention_forward.cuh"
#include "kernels.cuh"

#include <limits.h>
#include <type_traits>

// MARK: Operands

ic_status ic_check_attention(
  ic_context *context, const char *kernel, ic_tensor qkv, std::initializer_list<ic_tensor> rows,
  ic_attention_spec spec) {
  const int64_t heads = spec.heads, kv_heads = spec.kv_heads, size = spec.head_dimension;
  if (heads < 1 || kv_heads < 1 || heads % kv_heads != 0) {
    return ic_fail(
      context, IC_INVALID, "%s: %d query heads cannot share %d key/value heads: a multiple of them is expected",
      kernel, spec.heads, spec.kv_heads);
  }
  if (size < 1 || size > 256) {
    return ic_fail(context, IC_INVALID, "%s: head dimension %d; 1 to 256 are expected", kernel, spec.head_dimension);
  }
  if (spec.length < 1 || qkv.rows % spec.length != 0 || spec.length >= IC_NO_WINDOW) {
    return ic_fail(
      context, IC_INVALID, "%s: %lld rows are not sequences of %lld", kernel, (long long)qkv.rows,
      (long long)spec.length);
  }
  if (!(spec.scale > 0) || spec.scale == INFINITY || spec.window < 0) {
    return ic_fail(
      context, IC_INVALID, "%s: scale %g, window %d; a positive scale and a window of 0 or more are expected", kernel,
      double(spec.scale), spec.window);
  }
  const auto check = [&](ic_tensor tensor, int64_t columns) {
    if (tensor.rows == qkv.rows && tensor.columns == columns && tensor.stride >= columns && tensor.dtype == qkv.dtype) {
      return IC_OK;
    }
    return ic_fail(
      context, IC_INVALID,
      "%s: %lld × %lld elements, rows %lld apart, of type %d, where %lld × %lld of type %d are expected "
      "(%lld query and %lld key/value heads of %lld)",
      kernel, (long long)tensor.rows, (long long)tensor.columns, (long long)tensor.stride, int(tensor.dtype),
      (long long)qkv.rows, (long long)columns, int(qkv.dtype), (long long)heads, (long long)kv_heads, (long long)size);
  };
  ic_status status = check(qkv, (heads + 2 * kv_heads) * size);
  for (const ic_tensor &tensor : rows) {
    if (status == IC_OK) status = check(tensor, heads * size);
  }
  return status;
}

static ic_status check_log_sum_exp(
  ic_context *context, const char *kernel, ic_tensor log_sum_exp, ic_tensor qkv, ic_attention_spec spec) {
  const bool fits = log_sum_exp.rows == qkv.rows && log_sum_exp.columns == spec.heads;
  if (fits && log_sum_exp.dtype == IC_FLOAT32) return IC_OK;
  return ic_fail(
    context, IC_INVALID, "%s: log-sum-exps are %lld × %lld; float32, %lld × %d, are expected", kernel,
    (long long)log_sum_exp.rows, (long long)log_sum_exp.columns, (long long)qkv.rows, spec.heads);
}

ic_attention_sizes ic_attention_sizes_of(ic_tensor qkv, ic_attention_spec spec) {
  ic_attention_sizes shape;
  shape.length = shape.capacity = int(spec.length);
  shape.sequences = qkv.rows / spec.length;
  shape.heads = spec.heads;
  shape.group = spec.heads / spec.kv_heads;
  shape.dimension = spec.head_dimension;
  shape.window = spec.window > 0 && spec.window < IC_NO_WINDOW ? spec.window : IC_NO_WINDOW;
  shape.scale = spec.scale;
  return shape;
}

// MARK: Launches

// The shared memory that a kernel needs, and the number of its blocks.
static ic_status allow(
  ic_context *context, const char *name, const void *kernel, size_t shared_bytes, int64_t blocks) {
  if (blocks > INT_MAX) {
    return ic_fail(context, IC_INVALID, "%s: %lld thread blocks are more than CUDA launches", name, (long long)blocks);
  }
  if (shared_bytes > size_t(context->shared_memory)) {
    return ic_fail(
      context, IC_UNSUPPORTED, "%s: a block needs %zu bytes of shared memory, this GPU gives it %d", name, shared_bytes,
      context->shared_memory);
  }
  // All there is, and not what this shape needs: the kernel is one for all threads of the program, and their shapes differ.
  const cudaError_t error =
    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, context->shared_memory);
  return error == cudaSuccess ? IC_OK : ic_launched(context, name);
}

template <class Arguments, class... More>
static ic_status launch(
  ic_context *context, const char *name, void (*kernel)(Arguments, More...), int64_t blocks, int threads,
  size_t shared_bytes, const Arguments &arguments, More... more) {
  const ic_status status = allow(context, name, reinterpret_cast<const void *>(kernel), shared_bytes, blocks);
  if (status != IC_OK) return status;
  IC_LAUNCH(kernel, unsigned(blocks), threads, shared_bytes, context, arguments, more...);
  return ic_launched(context, name);
}

// Calls `body` with the width of tiles, a constant, for heads of `dimension` elements.
template <class Body> static ic_status by_width(int dimension, Body body) {
  if (dimension <= 32) return body(std::integral_constant<int, 32>());
  if (dimension <= 64) return body(std::integral_constant<int, 64>());
  if (dimension <= 80) return body(std::integral_constant<int, 80>());
  if (dimension <= 96) return body(std::integral_constant<int, 96>());
  if (dimension <= 112) return body(std::integral_constant<int, 112>());
  if (dimension <= 128) return body(std::integral_constant<int, 128>());
  return body(std::integral_constant<int, 256>());
}

// The same for the columns of a lane of the float32 kernels.
template <class Body> static ic_status by_columns(int dimension, Body body) {
  if (dimension <= 64) return body(std::integral_constant<int, 2>());
  if (dimension <= 128) return body(std::integral_constant<int, 4>());
  return body(std::integral_constant<int, 8>());
}

// MARK: Forward

template <int WIDTH, int ROW_TILES, int KEYS, int BLOCKS>
static ic_status launch_forward(ic_context *context, const char *name, const ic_forward_arguments<bf16> &arguments) {
  using layout = ic_forward_layout<WIDTH, ROW_TILES, KEYS>;
  const ic_attention_sizes &shape = arguments.shape;
  return launch(
    context, name, ic_attention_forward_kernel<WIDTH, ROW_TILES, KEYS, BLOCKS>,
    shape.sequences * shape.heads * ic_ceiling_divide(shape.length, layout::QUERIES), layout::THREADS, layout::SHARED,
    arguments);
}

ic_status ic_attend(ic_context *context, const char *name, const ic_forward_arguments<bf16> &arguments) {
  const ic_attention_sizes &shape = arguments.shape;
  return by_width(shape.dimension, [&](auto width) {
    constexpr int WIDTH = width;
    if constexpr (WIDTH == 256) {
      return launch_forward<WIDTH, 1, 32, 1>(context, name, arguments);
    } else {
      // 128 queries read keys and values half as often as 64, which pays where a multiprocessor has room for two such
      // blocks (it has 1 KiB more than a block may take, and keeps 1 KiB for each) and all have work.
      if constexpr (WIDTH >= 64) {
        const bool fits = 2 * (ic_forward_layout<WIDTH, 2, 64>::SHARED + 1024) <= context->shared_memory + 1024;
        const int64_t blocks = shape.sequences * shape.heads * ic_ceiling_divide(shape.length, 128);
        if (fits && blocks >= context->multiprocessors) {
          return launch_forward<WIDTH, 2, 64, 2>(context, name, arguments);
        }
      }
      return launch_forward<WIDTH, 1, 64, (WIDTH <= 112 ? 3 : 2)>(context, name, arguments);
    }
  });
}

ic_status ic_attend(ic_context *context, const char *name, const ic_forward_arguments<float> &arguments) {
  const ic_attention_sizes &shape = arguments.shape;
  const int warps = ic_float_warps(shape.dimension);
  return by_columns(shape.dimension, [&](auto columns) {
    return launch(
      context, name, ic_attention_float_kernel<decltype(columns)::value>,
      shape.sequences * shape.heads * ic_ceiling_divide(shape.length, warps * IC_FLOAT_OWN), 32 * warps,
      ic_float_shared(shape.dimension, 1, 1), arguments);
  });
}

ic_status ic_attention(
  ic_context *context, ic_tensor y, ic_tensor log_sum_exp, ic_tensor qkv, ic_attention_spec spec) {
  ic_status status = ic_check_attention(context, "attention", qkv, {y}, spec);
  if (status == IC_OK) status = check_log_sum_exp(context, "attention", log_sum_exp, qkv, spec);
  if (status != IC_OK || qkv.rows == 0) return status;
  status = ic_attention_engine_forward(context, y, log_sum_exp, qkv, spec);
  if (status != IC_UNSUPPORTED) return status;

  return ic_by_type(context, qkv.dtype, "attention", [&](auto zero) {
    using T = decltype(zero);
    ic_forward_arguments<T> arguments;
    arguments.shape = ic_attention_sizes_of(qkv, spec);
    arguments.q = ic_heads<const T>(qkv, 0, spec);
    arguments.k = ic_heads<const T>(qkv, spec.heads, spec);
    arguments.v = ic_heads<const T>(qkv, spec.heads + spec.kv_heads, spec);
    arguments.y = ic_rows_of<T>(y);
    arguments.log_sum_exp = ic_rows_of<float>(log_sum_exp);
    arguments.scalars = nullptr;
    arguments.load_bytes = ic_attention_unit(spec.head_dimension, {qkv});
    arguments.store_bytes = ic_attention_unit(spec.head_dimension, {y});
    return ic_attend(context, "attention", arguments);
  });
}

// MARK: Backward

template <int WIDTH, int OUTPUT, int WARPS, int QUERIES, int BLOCKS>
static ic_status launch_backward_keys(ic_context *context, const ic_backward_arguments<bf16> &arguments) {
  using layout = ic_backward_keys_layout<WIDTH, OUTPUT, WARPS, QUERIES>;
  const ic_attention_sizes &shape = arguments.shape;
  return launch(
    context, "attention_backward", ic_attention_backward_keys_kernel<WIDTH, OUTPUT, WARPS, QUERIES, BLOCKS>,
    shape.sequences * (shape.heads / shape.group) * ic_ceiling_divide(shape.length, layout::KEYS) * layout::PARTS,
    layout::THREADS, layout::SHARED, arguments);
}

template <int WIDTH, int WARPS, int KEYS, bool IN_REGISTERS, int BLOCKS>
static ic_status launch_backward_queries(ic_context *context, const ic_backward_arguments<bf16> &arguments) {
  using layout = ic_backward_queries_layout<WIDTH, WARPS, KEYS, IN_REGISTERS>;
  const ic_attention_sizes &shape = arguments.shape;
  return launch(
    context, "attention_backward", ic_attention_backward_queries_kernel<WIDTH, WARPS, KEYS, IN_REGISTERS, BLOCKS>,
    shape.sequences * shape.heads * ic_ceiling_divide(shape.length, layout::QUERIES), layout::THREADS, layout::SHARED,
    arguments);
}

static ic_status launch_backward(ic_context *context, const ic_backward_arguments<bf16> &arguments) {
  return by_width(arguments.shape.dimension, [&](auto width) {
    constexpr int WIDTH = width;
    ic_status status;
    if constexpr (WIDTH == 256) {
      status = launch_backward_keys<WIDTH, 128, 4, 16, 1>(context, arguments);
    } else if constexpr (WIDTH <= 64) {
      status = launch_backward_keys<WIDTH, WIDTH, 4, 64, 3>(context, arguments);
    } else if constexpr (WIDTH <= 96) {
      status = launch_backward_keys<WIDTH, WIDTH, 8, 64, 1>(context, arguments);
    } else if (ic_backward_keys_layout<WIDTH, WIDTH, 8, 64>::SHARED <= context->shared_memory) {
      status = launch_backward_keys<WIDTH, WIDTH, 8, 64, 1>(context, arguments);
    } else {
      status = launch_backward_keys<WIDTH, WIDTH, 8, 32, 1>(context, arguments);
    }
    if (status != IC_OK) return status;
    if constexpr (WIDTH == 256) return launch_backward_queries<WIDTH, 4, 16, false, 1>(context, arguments);
    else if constexpr (WIDTH <= 64) return launch_backward_queries<WIDTH, 4, 64, true, 3>(context, arguments);
    else return launch_backward_queries<WIDTH, 8, 64, true, 1>(context, arguments);
  });
}

static ic_status launch_backward(ic_context *context, const ic_backward_arguments<float> &arguments) {
  const ic_attention_sizes &shape = arguments.shape;
  const int warps = ic_float_warps(shape.dimension);
  const int64_t tiles = shape.sequences * ic_ceiling_divide(shape.length, warps * IC_FLOAT_OWN);
  return by_columns(shape.dimension, [&](auto columns) {
    constexpr int COLUMNS = columns;
    const ic_status status = launch(
      context, "attention_backward", ic_attention_float_keys_kernel<COLUMNS>, tiles * (shape.heads / shape.group),
      32 * warps, ic_float_shared(shape.dimension, 2, 2), arguments);
    if (status != IC_OK) return status;
    return launch(
      context, "attention_backward", ic_attention_float_queries_kernel<COLUMNS>, tiles * shape.heads, 32 * warps,
      ic_float_shared(shape.dimension, 2, 1), arguments);
  });
}

ic_status ic_attention_backward(
  ic_context *context, ic_tensor dqkv, ic_tensor dy, ic_tensor y, ic_tensor log_sum_exp, ic_tensor qkv,
  ic_attention_spec spec) {
  const char *name = "attention_backward";
  ic_status status = ic_check_attention(context, name, qkv, {dy, y}, spec);
  if (status == IC_OK) status = ic_check_attention(context, name, dqkv, {dy}, spec);
  if (status == IC_OK) status = check_log_sum_exp(context, name, log_sum_exp, qkv, spec);
  if (status != IC_OK || qkv.rows == 0) return status;
  status = ic_attention_engine_backward(context, dqkv, dy, y, log_sum_exp, qkv, spec);
  if (status != IC_UNSUPPORTED) return status;

  return ic_by_type(context, qkv.dtype, name, [&](auto zero) {
    using T = decltype(zero);
    ic_backward_arguments<T> arguments;
    arguments.shape = ic_attention_sizes_of(qkv, spec);
    arguments.q = ic_heads<const T>(qkv, 0, spec);
    arguments.k = ic_heads<const T>(qkv, spec.heads, spec);
    arguments.v = ic_heads<const T>(qkv, spec.heads + spec.kv_heads, spec);
    arguments.dy = ic_rows_of<const T>(dy);
    arguments.y = ic_rows_of<const T>(y);
    arguments.log_sum_exp = ic_rows_of<const float>(log_sum_exp);
    arguments.dq = ic_heads<T>(dqkv, 0, spec);
    arguments.dk = ic_heads<T>(dqkv, spec.heads, spec);
    arguments.dv = ic_heads<T>(dqkv, spec.heads + spec.kv_heads, spec);
    arguments.log_sum_exp_factor = sizeof(T) == 2 ? IC_LOG2_E : 1;
    arguments.load_bytes = ic_attention_unit(spec.head_dimension, {qkv, dy, y});
    arguments.store_bytes = ic_attention_unit(spec.head_dimension, {dqkv});

    const int64_t count = qkv.rows * spec.heads;
    arguments.delta = static_cast<float *>(ic_scratch(context, size_t(2 * count) * sizeof(float)));
    if (!arguments.delta) return IC_OUT_OF_MEMORY;
    arguments.scaled_log_sum_exp = arguments.delta + count;
    constexpr int WARPS = 8, SIZE = 4;
    auto delta_kernel = arguments.load_bytes >= SIZE * int(sizeof(T)) ? ic_attention_delta_kernel<T, SIZE>
                                                                      : ic_attention_delta_kernel<T, 1>;
    const ic_status prepared = launch(
      context, name, delta_kernel, ic_ceiling_divide(count, WARPS), 32 * WARPS, 0, arguments, qkv.rows);
    return prepared == IC_OK ? launch_backward(context, arguments) : prepared;
  });
}
