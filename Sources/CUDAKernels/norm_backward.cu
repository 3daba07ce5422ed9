// Gradients of LayerNorm and RMSNorm. With x̂ = (x − mean)·r and g = dy·(offset + weight):
// dx = r·(g − mean(g) − x̂·mean(g·x̂)), where RMSNorm has no mean(g); dWeight = Σ dy·x̂ and dBias = Σ dy over the rows.
#include "column_sums.cuh"
#include "kernels.cuh"

namespace {

template <class T> struct operands {
  ic_rows<T> dx, dy, x;
  ic_rows<float> statistics;
  const T *weight;
  float weight_offset;
  int64_t rows, columns;
  bool layer, add;
};

// MARK: Rows that fit the registers of a block

// Of a block: two blocks of 448 leave each thread 72 registers, one of 512 leaves 128.
constexpr int most_threads(int packs) { return packs == 1 ? 448 : 512; }

// A block goes through rows blockIdx.x, blockIdx.x + gridDim.x, … and keeps the parameter gradients of its threads'
// columns in registers. The next row is on its way while one is reduced. P packs a thread; Sums: 0 none, 1 of weight,
// 2 of weight and bias.
template <class T, int P, int Sums>
__global__ void __launch_bounds__(most_threads(P), P == 1 ? 2 : 1)
  norm_backward_cached(operands<T> o, float *partials) {
  constexpr int N = ic_pack_size<T>;
  const auto column_of = [](int p) { return static_cast<int64_t>((threadIdx.x + p * blockDim.x) * N); };
  const auto load = [&](ic_pack<T, N>(&packs)[P], const T *row) {
#pragma unroll
    for (int p = 0; p < P; p++) {
      if (column_of(p) < o.columns) packs[p] = ic_load_pack<N>(row + column_of(p));
    }
  };
  ic_pack<T, N> weight[P], x[P], dy[P], next_x[P], next_dy[P], before[P];
  float sums[Sums > 0 ? Sums : 1][P][N] = {};
  load(weight, o.weight);
  load(next_x, o.x.at(blockIdx.x, 0));
  load(next_dy, o.dy.at(blockIdx.x, 0));
  for (int64_t row = blockIdx.x; row < o.rows; row += gridDim.x) {
#pragma unroll
    for (int p = 0; p < P; p++) {
      x[p] = next_x[p];
      dy[p] = next_dy[p];
    }
    const float mean = *o.statistics.at(row, 0), reciprocal = *o.statistics.at(row, 1);
    if (o.add) load(before, o.dx.at(row, 0));
    if (row + gridDim.x < o.rows) {
      load(next_x, o.x.at(row + gridDim.x, 0));
      load(next_dy, o.dy.at(row + gridDim.x, 0));
    }

    float means[2] = {0, 0};
#pragma unroll
    for (int p = 0; p < P; p++) {
      if (column_of(p) >= o.columns) continue;
#pragma unroll
      for (int k = 0; k < N; k++) {
        const float upstream = ic_float(dy[p].elements[k]);
        const float scaled = upstream * (o.weight_offset + ic_float(weight[p].elements[k]));
        const float normal = (ic_float(x[p].elements[k]) - mean) * reciprocal;
        means[0] += scaled;
        means[1] += scaled * normal;
        if (Sums > 0) sums[0][p][k] += upstream * normal;
        if (Sums > 1) sums[Sums - 1][p][k] += upstream;
      }
    }
    ic_block_sum(means);
    const float mean_scaled = o.layer ? means[0] / static_cast<float>(o.columns) : 0.0f;
    const float mean_product = means[1] / static_cast<float>(o.columns);

#pragma unroll
    for (int p = 0; p < P; p++) {
      if (column_of(p) >= o.columns) continue;
      float gradient[N] = {};
      if (o.add) ic_unpack(gradient, before[p]);
#pragma unroll
      for (int k = 0; k < N; k++) {
        const float scaled = ic_float(dy[p].elements[k]) * (o.weight_offset + ic_float(weight[p].elements[k]));
        const float normal = (ic_float(x[p].elements[k]) - mean) * reciprocal;
        gradient[k] += reciprocal * (scaled - mean_scaled - normal * mean_product);
      }
      ic_store(o.dx.at(row, column_of(p)), gradient);
    }
  }
#pragma unroll
  for (int s = 0; s < Sums; s++) {
#pragma unroll
    for (int p = 0; p < P; p++) {
      if (column_of(p) >= o.columns) continue;
      ic_store(partials + (static_cast<int64_t>(blockIdx.x) * Sums + s) * o.columns + column_of(p), sums[s][p]);
    }
  }
}

template <class T, int P, int Sums>
ic_status launch_cached(ic_context *context, const operands<T> &o, ic_column_results results) {
  const int64_t packs = o.columns / ic_pack_size<T>;
  const int64_t threads = ic_ceiling_divide(ic_ceiling_divide(packs, P), 32) * 32;
  // As many blocks as are resident at about 1024 threads a multiprocessor, but at least 16 rows each: partial sums are
  // memory traffic too.
  int64_t blocks = context->multiprocessors * (threads < 512 ? 1024 / threads : 1);
  const int64_t most = ic_ceiling_divide(o.rows, 16);
  if (blocks > most) blocks = most > context->multiprocessors ? most : context->multiprocessors;
  if (blocks > o.rows) blocks = o.rows;
  float *partials = nullptr;
  if (Sums > 0) {
    partials = ic_scratch_array<float>(context, blocks * Sums * o.columns);
    if (!partials) return IC_OUT_OF_MEMORY;
  }
  auto kernel = norm_backward_cached<T, P, Sums>;
  IC_LAUNCH(kernel, static_cast<unsigned>(blocks), static_cast<unsigned>(threads), 0, context, o, partials);
  if (Sums > 0) ic_add_partial_sums(context, results, Sums, partials, blocks, o.columns);
  return ic_launched(context, "normBackward");
}

// MARK: Any row

// dx alone, a row a block, element by element.
template <class T> __global__ void __launch_bounds__(512) norm_backward_any(operands<T> o) {
  const int64_t row = blockIdx.x;
  const float mean = *o.statistics.at(row, 0), reciprocal = *o.statistics.at(row, 1);
  float means[2] = {0, 0};
  for (int64_t c = threadIdx.x; c < o.columns; c += blockDim.x) {
    const float scaled = ic_float(*o.dy.at(row, c)) * (o.weight_offset + ic_float(o.weight[c]));
    means[0] += scaled;
    means[1] += scaled * (ic_float(*o.x.at(row, c)) - mean) * reciprocal;
  }
  ic_block_sum(means);
  const float mean_scaled = o.layer ? means[0] / static_cast<float>(o.columns) : 0.0f;
  const float mean_product = means[1] / static_cast<float>(o.columns);
  for (int64_t c = threadIdx.x; c < o.columns; c += blockDim.x) {
    const float scaled = ic_float(*o.dy.at(row, c)) * (o.weight_offset + ic_float(o.weight[c]));
    const float normal = (ic_float(*o.x.at(row, c)) - mean) * reciprocal;
    const float gradient = reciprocal * (scaled - mean_scaled - normal * mean_product);
    *o.dx.at(row, c) = ic_element<T>(o.add ? ic_float(*o.dx.at(row, c)) + gradient : gradient);
  }
}

template <class T> struct parameter_terms {
  static constexpr int count = 2;
  ic_rows<T> dy, x;
  ic_rows<float> statistics;

  __device__ void operator()(float (&values)[2][1], int64_t row, int64_t column) const {
    const float upstream = ic_float(*dy.at(row, column));
    const float centred = ic_float(*x.at(row, column)) - *statistics.at(row, 0);
    values[0][0] = upstream * centred * *statistics.at(row, 1);
    values[1][0] = upstream;
  }
};

template <class T> ic_status launch_any(ic_context *context, const operands<T> &o, ic_column_results results) {
  const bool sums = results.sums[0] || results.sums[1];
  const ic_column_plan plan = ic_plan_columns(context, o.rows, o.columns, 1);
  float *partials = nullptr;
  if (sums) {
    partials = ic_scratch_array<float>(context, plan.chunks * 2 * o.columns);
    if (!partials) return IC_OUT_OF_MEMORY;
  }
  if (sums) {
    ic_column_sums<1>(
      context, plan, o.rows, o.columns, partials, parameter_terms<T>{o.dy, o.x, o.statistics});
    ic_add_partial_sums(context, results, 2, partials, plan.chunks, o.columns);
  }
  const int64_t threads = o.columns < 512 ? ic_ceiling_divide(o.columns, 32) * 32 : 512;
  auto kernel = norm_backward_any<T>;
  IC_LAUNCH(kernel, static_cast<unsigned>(o.rows), static_cast<unsigned>(threads), 0, context, o);
  return ic_launched(context, "normBackward");
}

template <class T, int P> ic_status launch_sums(ic_context *context, const operands<T> &o, ic_column_results results) {
  if (results.sums[1]) return launch_cached<T, P, 2>(context, o, results);
  if (results.sums[0]) return launch_cached<T, P, 1>(context, o, results);
  return launch_cached<T, P, 0>(context, o, results);
}

}  // namespace

ic_status ic_norm_backward(
  ic_context *context, ic_tensor dx, ic_tensor d_weight, ic_tensor d_bias, ic_tensor dy, ic_tensor x, ic_tensor weight,
  ic_tensor statistics, ic_norm_spec spec, ic_accumulation accumulate) {
  if (x.rows <= 0 || x.columns <= 0) return IC_OK;
  const ic_column_results results = {{ic_pointer<float>(d_weight), ic_pointer<float>(d_bias)}};
  return ic_by_type(context, x.dtype, "normBackward", [&](auto zero) {
    using T = decltype(zero);
    const operands<T> o = {
      ic_rows_of<T>(dx), ic_rows_of<T>(dy), ic_rows_of<T>(x), ic_rows_of<float>(statistics), ic_pointer<T>(weight),
      spec.weight_offset, x.rows, x.columns, spec.kind == IC_LAYER_NORM, accumulate == IC_ADD};
    const int64_t packs = x.columns / ic_pack_size<T>;
    if (!ic_whole_packs(ic_pack_size<T>, {dx, dy, x, weight}) || packs > 2 * most_threads(2)) {
      return launch_any(context, o, results);
    }
    return packs <= most_threads(1) ? launch_sums<T, 1>(context, o, results) : launch_sums<T, 2>(context, o, results);
  });
}
