// Causal attention: by cuDNN where it serves, else by the kernels of this folder, whose tiles are chosen here.
#include "attention_float.cuh"
#include "attention_forward.cuh"
#include "attention_launch.cuh"
#include "kernels.cuh"

// MARK: Operands

ic_status ic_check_attention(
  ic_context *context, const char *kernel, ic_tensor qkv, std::initializer_list<ic_tensor> rows,
  ic_tensor slopes, ic_attention_spec spec) {
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
  if (!(spec.softcap >= 0) || spec.softcap == INFINITY) {
    return ic_fail(
      context, IC_INVALID, "%s: softcap %g; a positive one is expected, or 0 for none", kernel, double(spec.softcap));
  }
  if (slopes.address && (slopes.rows != 1 || slopes.columns != heads || slopes.dtype != IC_FLOAT32)) {
    return ic_fail(
      context, IC_INVALID, "%s: slopes are %lld × %lld, type %d; float32, 1 × %lld, are expected", kernel,
      (long long)slopes.rows, (long long)slopes.columns, int(slopes.dtype), (long long)heads);
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

ic_status ic_check_log_sum_exp(
  ic_context *context, const char *kernel, ic_tensor log_sum_exp, ic_tensor qkv, ic_attention_spec spec) {
  const bool fits = log_sum_exp.rows == qkv.rows && log_sum_exp.columns == spec.heads;
  if (fits && log_sum_exp.dtype == IC_FLOAT32) return IC_OK;
  return ic_fail(
    context, IC_INVALID, "%s: log-sum-exps are %lld × %lld; float32, %lld × %d, are expected", kernel,
    (long long)log_sum_exp.rows, (long long)log_sum_exp.columns, (long long)qkv.rows, spec.heads);
}

ic_status ic_check_document_starts(
  ic_context *context, const char *kernel, ic_tensor document_starts, ic_tensor qkv) {
  const bool fits = document_starts.rows == qkv.rows && document_starts.columns == 1;
  if (!document_starts.address || (fits && document_starts.dtype == IC_INT32)) return IC_OK;
  return ic_fail(
    context, IC_INVALID, "%s: document starts are %lld × %lld, type %d; int32, %lld × 1, are expected", kernel,
    (long long)document_starts.rows, (long long)document_starts.columns, int(document_starts.dtype),
    (long long)qkv.rows);
}

ic_attention_sizes ic_attention_sizes_of(ic_tensor qkv, ic_tensor slopes, ic_attention_spec spec) {
  ic_attention_sizes shape;
  shape.length = shape.capacity = int(spec.length);
  shape.sequences = qkv.rows / spec.length;
  shape.heads = spec.heads;
  shape.group = spec.heads / spec.kv_heads;
  shape.dimension = spec.head_dimension;
  shape.window = spec.window > 0 && spec.window < IC_NO_WINDOW ? spec.window : IC_NO_WINDOW;
  shape.scale = spec.scale;
  shape.softcap = spec.softcap;
  shape.slopes = ic_pointer<const float>(slopes);
  shape.document_starts = {nullptr, 0};
  return shape;
}

// MARK: Forward

template <int WIDTH, int ROW_TILES, int KEYS, int BLOCKS>
static ic_status launch_forward(ic_context *context, const char *name, const ic_forward_arguments<bf16> &arguments) {
  using layout = ic_forward_layout<WIDTH, ROW_TILES, KEYS>;
  const ic_attention_sizes &shape = arguments.shape;
  return ic_by_adjustment(shape, [&](auto adjusted) {
    return ic_launch_attention(
      context, name, ic_attention_forward_kernel<WIDTH, ROW_TILES, KEYS, BLOCKS, adjusted>,
      shape.sequences * shape.heads * ic_ceiling_divide(shape.length, layout::QUERIES), layout::THREADS,
      layout::SHARED, arguments);
  });
}

ic_status ic_attend(ic_context *context, const char *name, const ic_forward_arguments<bf16> &arguments) {
  const ic_attention_sizes &shape = arguments.shape;
  return ic_by_width(shape.dimension, [&](auto width) {
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
  return ic_by_columns(shape.dimension, [&](auto columns) {
    return ic_by_adjustment(shape, [&](auto adjusted) {
      return ic_launch_attention(
        context, name, ic_attention_float_kernel<columns, adjusted>,
        shape.sequences * shape.heads * ic_ceiling_divide(shape.length, warps * IC_FLOAT_OWN), 32 * warps,
        ic_float_shared(shape.dimension, 1, 1), arguments);
    });
  });
}

ic_status ic_attention(
  ic_context *context, ic_tensor y, ic_tensor log_sum_exp, ic_tensor qkv, ic_tensor slopes, ic_tensor document_starts,
  ic_attention_spec spec) {
  ic_status status = ic_check_attention(context, "attention", qkv, {y}, slopes, spec);
  if (status == IC_OK) status = ic_check_log_sum_exp(context, "attention", log_sum_exp, qkv, spec);
  if (status == IC_OK) status = ic_check_document_starts(context, "attention", document_starts, qkv);
  if (status != IC_OK || qkv.rows == 0) return status;
  status = ic_attention_engine_forward(context, y, log_sum_exp, qkv, slopes, document_starts, spec);
  if (status != IC_UNSUPPORTED) return status;

  return ic_by_type(context, qkv.dtype, "attention", [&](auto zero) {
    using T = decltype(zero);
    ic_forward_arguments<T> arguments;
    arguments.shape = ic_attention_sizes_of(qkv, slopes, spec);
    arguments.shape.document_starts = ic_rows_of<const int32_t>(document_starts);
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
