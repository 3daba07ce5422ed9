// LayerNorm (Ba, Kiros, Hinton, arXiv 1607.06450) and RMSNorm (Zhang and Sennrich, arXiv 1910.07467), with the addition
// to the residual stream that comes before them.
#include "kernels.cuh"
#include "pack.cuh"
#include "reduce.cuh"

namespace {

template <class T> struct operands {
  ic_rows<T> y, sum, x, delta;
  ic_rows<float> statistics;
  const T *weight, *bias;
  int64_t columns;
  ic_norm_spec spec;
};

// MARK: Rows that fit the registers of a block

// P packs a thread: x is read once. Two passes over the registers, so that a mean that is large beside the deviations
// costs no precision.
template <class T, int P> __global__ void __launch_bounds__(512) norm_cached(operands<T> o) {
  constexpr int N = ic_pack_size<T>;
  const int64_t row = blockIdx.x;
  float values[P][N];
  ic_pack<T, N> weight[P];
  float mean = 0;
#pragma unroll
  for (int p = 0; p < P; p++) {
    const int64_t column = (threadIdx.x + p * blockDim.x) * N;
    if (column >= o.columns) continue;
    ic_load(values[p], o.x.at(row, column));
    if (o.delta.base) {
      float delta[N];
      ic_load(delta, o.delta.at(row, column));
      // What is normalised is the sum as it was stored: the backward pass reads it.
#pragma unroll
      for (int k = 0; k < N; k++) values[p][k] = ic_float(ic_element<T>(values[p][k] + delta[k]));
      ic_store(o.sum.at(row, column), values[p]);
    }
    weight[p] = ic_load_pack<N>(o.weight + column);
#pragma unroll
    for (int k = 0; k < N; k++) mean += values[p][k];
  }
  mean = o.spec.kind == IC_LAYER_NORM ? ic_block_sum(mean) / static_cast<float>(o.columns) : 0;

  float squares = 0;
#pragma unroll
  for (int p = 0; p < P; p++) {
    if ((threadIdx.x + p * blockDim.x) * N >= o.columns) continue;
#pragma unroll
    for (int k = 0; k < N; k++) squares += (values[p][k] - mean) * (values[p][k] - mean);
  }
  const float reciprocal = rsqrtf(ic_block_sum(squares) / static_cast<float>(o.columns) + o.spec.epsilon);
  if (threadIdx.x == 0) {
    *o.statistics.at(row, 0) = mean;
    *o.statistics.at(row, 1) = reciprocal;
  }

#pragma unroll
  for (int p = 0; p < P; p++) {
    const int64_t column = (threadIdx.x + p * blockDim.x) * N;
    if (column >= o.columns) continue;
    float factor[N], offset[N] = {};
    ic_unpack(factor, weight[p]);
    if (o.bias) ic_load(offset, o.bias + column);
#pragma unroll
    for (int k = 0; k < N; k++) {
      values[p][k] = (values[p][k] - mean) * reciprocal * (o.spec.weight_offset + factor[k]) + offset[k];
    }
    ic_store(o.y.at(row, column), values[p]);
  }
}

// MARK: Any row

// Element by element; every thread reads back only what it has written.
template <class T> __global__ void __launch_bounds__(1024) norm_any(operands<T> o) {
  const int64_t row = blockIdx.x;
  const ic_rows<T> input = o.delta.base ? o.sum : o.x;
  float mean = 0;
  for (int64_t c = threadIdx.x; c < o.columns; c += blockDim.x) {
    if (o.delta.base) *o.sum.at(row, c) = ic_element<T>(ic_float(*o.x.at(row, c)) + ic_float(*o.delta.at(row, c)));
    mean += ic_float(*input.at(row, c));
  }
  mean = o.spec.kind == IC_LAYER_NORM ? ic_block_sum(mean) / static_cast<float>(o.columns) : 0;

  float squares = 0;
  for (int64_t c = threadIdx.x; c < o.columns; c += blockDim.x) {
    const float centred = ic_float(*input.at(row, c)) - mean;
    squares += centred * centred;
  }
  const float reciprocal = rsqrtf(ic_block_sum(squares) / static_cast<float>(o.columns) + o.spec.epsilon);
  if (threadIdx.x == 0) {
    *o.statistics.at(row, 0) = mean;
    *o.statistics.at(row, 1) = reciprocal;
  }

  for (int64_t c = threadIdx.x; c < o.columns; c += blockDim.x) {
    const float normal = (ic_float(*input.at(row, c)) - mean) * reciprocal;
    const float factor = o.spec.weight_offset + ic_float(o.weight[c]);
    *o.y.at(row, c) = ic_element<T>(normal * factor + (o.bias ? ic_float(o.bias[c]) : 0.0f));
  }
}

// MARK: Launch

// The largest block of `norm_cached`, and most packs of a thread.
constexpr int64_t most_threads = 512, most_packs = 4;

template <class T, int P> void launch_cached(ic_context *context, int64_t rows, const operands<T> &o) {
  const int64_t packs = o.columns / ic_pack_size<T>;
  const unsigned threads = static_cast<unsigned>(ic_ceiling_divide(ic_ceiling_divide(packs, P), 32) * 32);
  auto kernel = norm_cached<T, P>;
  IC_LAUNCH(kernel, static_cast<unsigned>(rows), threads, 0, context, o);
}

template <class T> void launch(ic_context *context, int64_t rows, const operands<T> &o, bool whole_packs) {
  const int64_t packs = o.columns / ic_pack_size<T>;
  if (!whole_packs || packs > most_threads * most_packs) {
    const int64_t threads = o.columns < 256 ? ic_ceiling_divide(o.columns, 32) * 32 : o.columns < 4096 ? 256 : 1024;
    auto kernel = norm_any<T>;
    IC_LAUNCH(kernel, static_cast<unsigned>(rows), static_cast<unsigned>(threads), 0, context, o);
  } else if (packs <= 64) {
    launch_cached<T, 1>(context, rows, o);
  } else if (packs <= 512) {
    // Two packs a thread are two loads in flight, and halve the width of the reductions.
    launch_cached<T, 2>(context, rows, o);
  } else {
    launch_cached<T, 4>(context, rows, o);
  }
}

}  // namespace

ic_status ic_norm(
  ic_context *context, ic_tensor y, ic_tensor statistics, ic_tensor sum, ic_tensor x, ic_tensor delta, ic_tensor weight,
  ic_tensor bias, ic_norm_spec spec) {
  if (x.rows <= 0 || x.columns <= 0) return IC_OK;
  return ic_by_type(context, x.dtype, "norm", [&](auto zero) {
    using T = decltype(zero);
    const operands<T> o = {
      ic_rows_of<T>(y), ic_rows_of<T>(sum), ic_rows_of<T>(x), ic_rows_of<T>(delta), ic_rows_of<float>(statistics),
      ic_pointer<T>(weight), ic_pointer<T>(bias), x.columns, spec};
    launch(context, x.rows, o, ic_whole_packs(ic_pack_size<T>, {y, sum, x, delta, weight, bias}));
    return ic_launched(context, "norm");
  });
}
