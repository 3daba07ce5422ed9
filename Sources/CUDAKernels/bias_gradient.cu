// The gradient of a bias: column sums.
#include "column_sums.cuh"
#include "kernels.cuh"

namespace {

template <class T, int N> struct gradient_terms {
  static constexpr int count = 1;
  ic_rows<T> dy;

  __device__ void operator()(float (&values)[1][N], int64_t row, int64_t column) const {
    ic_load(values[0], dy.at(row, column));
  }
};

template <class T, int N> ic_status add_column_sums(ic_context *context, ic_tensor d_bias, ic_tensor dy) {
  const ic_column_plan plan = ic_plan_columns(context, dy.rows, dy.columns, N);
  auto *partials = ic_scratch_array<float>(context, plan.chunks * dy.columns);
  if (!partials) return IC_OUT_OF_MEMORY;
  ic_column_sums<N>(context, plan, dy.rows, dy.columns, partials, gradient_terms<T, N>{ic_rows_of<T>(dy)});
  ic_add_partial_sums(context, {{ic_pointer<float>(d_bias), nullptr}}, 1, partials, plan.chunks, dy.columns);
  return ic_launched(context, "biasGradient");
}

}  // namespace

ic_status ic_bias_gradient(ic_context *context, ic_tensor d_bias, ic_tensor dy) {
  if (dy.rows <= 0 || dy.columns <= 0) return IC_OK;
  return ic_by_type(context, dy.dtype, "biasGradient", [&](auto zero) {
    using T = decltype(zero);
    constexpr int N = ic_pack_size<T>;
    return ic_whole_packs(N, {dy}) ? add_column_sums<T, N>(context, d_bias, dy)
                                   : add_column_sums<T, 1>(context, d_bias, dy);
  });
}
