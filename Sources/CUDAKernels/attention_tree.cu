// Attention of rows that are leaves of trees of texts.
#include "attention_launch.cuh"
#include "attention_tree.cuh"
#include "kernels.cuh"

namespace {

constexpr const char *name = "attention_tree";

ic_status check_prefix(
  ic_context *context, ic_tensor qkv, ic_tensor prefix_keys, ic_tensor prefix_values, ic_attention_spec spec) {
  const int64_t columns = int64_t(spec.kv_heads) * spec.head_dimension, rows = prefix_keys.rows;
  if (!prefix_keys.address && !prefix_values.address) return IC_OK;
  for (const ic_tensor &prefix : {prefix_keys, prefix_values}) {
    const bool fits = prefix.address && prefix.rows == rows && rows < IC_NO_WINDOW && prefix.columns == columns;
    if (fits && prefix.stride >= columns && prefix.dtype == qkv.dtype) continue;
    return ic_fail(
      context, IC_INVALID,
      "%s: keys and values of a prefix are %lld × %lld and %lld × %lld, types %d and %d; two of any × %lld, type %d, "
      "are expected",
      name, (long long)prefix_keys.rows, (long long)prefix_keys.columns, (long long)prefix_values.rows,
      (long long)prefix_values.columns, int(prefix_keys.dtype), int(prefix_values.dtype), (long long)columns,
      int(qkv.dtype));
  }
  return IC_OK;
}

ic_status check_spans(ic_context *context, ic_tensor spans, ic_tensor qkv) {
  if (spans.rows == qkv.rows && spans.columns == 4 && spans.dtype == IC_INT32) return IC_OK;
  return ic_fail(
    context, IC_INVALID, "%s: spans are %lld × %lld, type %d; int32, %lld × 4, are expected", name,
    (long long)spans.rows, (long long)spans.columns, int(spans.dtype), (long long)qkv.rows);
}

template <int WIDTH, int KEYS, int BLOCKS>
ic_status launch_tiles(ic_context *context, const ic_tree_arguments<bf16> &arguments) {
  using layout = ic_tree_layout<WIDTH, KEYS>;
  const ic_attention_sizes &shape = arguments.shape;
  return ic_by_adjustment(shape, [&](auto adjusted) {
    return ic_launch_attention(
      context, name, ic_attention_tree_kernel<WIDTH, KEYS, BLOCKS, adjusted>,
      shape.heads * ic_ceiling_divide(shape.length, layout::QUERIES), layout::THREADS, layout::SHARED, arguments);
  });
}

ic_status launch(ic_context *context, const ic_tree_arguments<bf16> &arguments) {
  return ic_by_width(arguments.shape.dimension, [&](auto width) {
    constexpr int WIDTH = width;
    if constexpr (WIDTH == 256) {
      return launch_tiles<WIDTH, 32, 1>(context, arguments);
    } else {
      return launch_tiles<WIDTH, 64, (WIDTH <= 112 ? 3 : 2)>(context, arguments);
    }
  });
}

ic_status launch(ic_context *context, const ic_tree_arguments<float> &arguments) {
  const ic_attention_sizes &shape = arguments.shape;
  const int warps = ic_float_warps(shape.dimension);
  return ic_by_columns(shape.dimension, [&](auto columns) {
    return ic_by_adjustment(shape, [&](auto adjusted) {
      return ic_launch_attention(
        context, name, ic_attention_tree_float_kernel<columns, adjusted>,
        shape.heads * ic_ceiling_divide(shape.length, warps * IC_FLOAT_OWN), 32 * warps,
        ic_tree_float_shared(shape.dimension), arguments);
    });
  });
}

}  // namespace

ic_status ic_attention_tree(
  ic_context *context, ic_tensor y, ic_tensor qkv, ic_tensor prefix_keys, ic_tensor prefix_values, ic_tensor spans,
  ic_tensor slopes, ic_attention_spec spec) {
  if (qkv.rows == 0) return IC_OK;
  spec.length = qkv.rows;
  ic_status status = ic_check_attention(context, name, qkv, {y}, slopes, spec);
  if (status == IC_OK) status = check_prefix(context, qkv, prefix_keys, prefix_values, spec);
  if (status == IC_OK) status = check_spans(context, spans, qkv);
  if (status != IC_OK) return status;

  return ic_by_type(context, qkv.dtype, name, [&](auto zero) {
    using T = decltype(zero);
    ic_tree_arguments<T> arguments;
    arguments.shape = ic_attention_sizes_of(qkv, slopes, spec);
    arguments.q = ic_heads<const T>(qkv, 0, spec);
    arguments.k = ic_heads<const T>(qkv, spec.heads, spec);
    arguments.v = ic_heads<const T>(qkv, spec.heads + spec.kv_heads, spec);
    arguments.prefix_k = ic_rows_of<const T>(prefix_keys);
    arguments.prefix_v = ic_rows_of<const T>(prefix_values);
    arguments.prefix_rows = prefix_keys.address ? int(prefix_keys.rows) : 0;
    arguments.spans = ic_rows_of<const int32_t>(spans);
    arguments.y = ic_rows_of<T>(y);
    arguments.load_bytes = ic_attention_unit(spec.head_dimension, {qkv, prefix_keys, prefix_values});
    arguments.store_bytes = ic_attention_unit(spec.head_dimension, {y});
    return launch(context, arguments);
  });
}
