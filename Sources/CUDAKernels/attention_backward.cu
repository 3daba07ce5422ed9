// The gradients of causal attention: by cuDNN where it serves, else by the kernels of this folder, whose tiles are
// chosen here.
#include "attention_backward.cuh"
#include "attention_float.cuh"
#include "attention_launch.cuh"
#include "kernels.cuh"

static const char *const name = "attention_backward";

template <int WIDTH, int OUTPUT, int WARPS, int QUERIES, int BLOCKS>
static ic_status launch_backward_keys(ic_context *context, const ic_backward_arguments<bf16> &arguments) {
  using layout = ic_backward_keys_layout<WIDTH, OUTPUT, WARPS, QUERIES>;
  const ic_attention_sizes &shape = arguments.shape;
  return ic_by_adjustment(shape, [&](auto adjusted) {
    return ic_launch_attention(
      context, name, ic_attention_backward_keys_kernel<WIDTH, OUTPUT, WARPS, QUERIES, BLOCKS, adjusted>,
      shape.sequences * (shape.heads / shape.group) * ic_ceiling_divide(shape.length, layout::KEYS) * layout::PARTS,
      layout::THREADS, layout::SHARED, arguments);
  });
}

template <int WIDTH, int WARPS, int KEYS, bool IN_REGISTERS, int BLOCKS>
static ic_status launch_backward_queries(ic_context *context, const ic_backward_arguments<bf16> &arguments) {
  using layout = ic_backward_queries_layout<WIDTH, WARPS, KEYS, IN_REGISTERS>;
  const ic_attention_sizes &shape = arguments.shape;
  return ic_by_adjustment(shape, [&](auto adjusted) {
    return ic_launch_attention(
      context, name, ic_attention_backward_queries_kernel<WIDTH, WARPS, KEYS, IN_REGISTERS, BLOCKS, adjusted>,
      shape.sequences * shape.heads * ic_ceiling_divide(shape.length, layout::QUERIES), layout::THREADS,
      layout::SHARED, arguments);
  });
}

static ic_status launch_backward(ic_context *context, const ic_backward_arguments<bf16> &arguments) {
  return ic_by_width(arguments.shape.dimension, [&](auto width) {
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
  return ic_by_columns(shape.dimension, [&](auto columns) {
    return ic_by_adjustment(shape, [&](auto adjusted) {
      const ic_status status = ic_launch_attention(
        context, name, ic_attention_float_keys_kernel<columns, adjusted>, tiles * (shape.heads / shape.group),
        32 * warps, ic_float_shared(shape.dimension, 2, 2), arguments);
      if (status != IC_OK) return status;
      return ic_launch_attention(
        context, name, ic_attention_float_queries_kernel<columns, adjusted>, tiles * shape.heads, 32 * warps,
        ic_float_shared(shape.dimension, 2, 1), arguments);
    });
  });
}

ic_status ic_attention_backward(
  ic_context *context, ic_tensor dqkv, ic_tensor dy, ic_tensor y, ic_tensor log_sum_exp, ic_tensor qkv,
  ic_tensor slopes, ic_tensor document_starts, ic_attention_spec spec) {
  ic_status status = ic_check_attention(context, name, qkv, {dy, y}, slopes, spec);
  if (status == IC_OK) status = ic_check_attention(context, name, dqkv, {dy}, slopes, spec);
  if (status == IC_OK) status = ic_check_log_sum_exp(context, name, log_sum_exp, qkv, spec);
  if (status == IC_OK) status = ic_check_document_starts(context, name, document_starts, qkv);
  if (status != IC_OK || qkv.rows == 0) return status;
  status = ic_attention_engine_backward(context, dqkv, dy, y, log_sum_exp, qkv, slopes, document_starts, spec);
  if (status != IC_UNSUPPORTED) return status;

  return ic_by_type(context, qkv.dtype, name, [&](auto zero) {
    using T = decltype(zero);
    ic_backward_arguments<T> arguments;
    arguments.shape = ic_attention_sizes_of(qkv, slopes, spec);
    arguments.shape.document_starts = ic_rows_of<const int32_t>(document_starts);
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
    const ic_status prepared = ic_launch_attention(
      context, name, delta_kernel, ic_ceiling_divide(count, WARPS), 32 * WARPS, 0, arguments, qkv.rows);
    return prepared == IC_OK ? launch_backward(context, arguments) : prepared;
  });
}
