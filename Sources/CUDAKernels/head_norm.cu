// RMSNorm (Zhang and Sennrich, arXiv 1910.07467) of single query and key heads in packed rows, and its gradients: a
// warp for each head of each row. With x̂ = x·r and g = dy·weight: dx = r·(g − x̂·mean(g·x̂)); dWeight = Σ dy·x̂ over
// rows and heads.
#include "column_sums.cuh"
#include "kernels.cuh"

#include <type_traits>

namespace {

constexpr int warps = 8;
// Of a head.
constexpr int most_elements = 256;

template <class T> struct operands {
  // What is written, what is read and, in the backward pass, the input.
  ic_rows<T> to, from, x;
  ic_rows<float> statistics;
  const T *query_weight, *key_weight;
  int64_t rows;
  int heads, kv_heads, dimension, stride;
  float epsilon;

  __device__ __forceinline__ int heads_of_row() const { return heads + 2 * kv_heads; }
  __device__ __forceinline__ bool is_query(int head) const { return head < heads; }
  __device__ __forceinline__ bool is_value(int head) const { return head >= heads + kv_heads; }
};

// Calls body(index, column) for each of a lane's packs of N elements of a head; P of them, at most.
template <int N, int P, class Body> __device__ __forceinline__ void for_each_pack(int dimension, Body body) {
#pragma unroll
  for (int p = 0; p < P; p++) {
    const int column = (32 * p + threadIdx.x % 32) * N;
    if (column < dimension) body(p, column);
  }
}

// What is not normalised: all of a value head, and what pads the others.
template <int N, class T> __device__ __forceinline__ void copy_rest(const operands<T> &o, int64_t row, int head) {
  const int start = head * o.stride, first = o.is_value(head) ? 0 : o.dimension;
  for (int column = first + threadIdx.x % 32 * N; column < o.stride; column += 32 * N) {
    float values[N];
    ic_load(values, o.from.at(row, start + column));
    ic_store(o.to.at(row, start + column), values);
  }
}

// MARK: Forward

template <class T, int N, int P> __global__ void __launch_bounds__(32 * warps) head_norm(operands<T> o) {
  const int64_t index = static_cast<int64_t>(blockIdx.x) * warps + threadIdx.x / 32;
  if (index >= o.rows * o.heads_of_row()) return;
  const int64_t row = index / o.heads_of_row();
  const int head = static_cast<int>(index % o.heads_of_row()), start = head * o.stride;
  copy_rest<N>(o, row, head);
  if (o.is_value(head)) return;

  const T *const weight = o.is_query(head) ? o.query_weight : o.key_weight;
  float values[P][N], squares = 0;
  for_each_pack<N, P>(o.dimension, [&](int p, int column) {
    ic_load(values[p], o.from.at(row, start + column));
#pragma unroll
    for (int k = 0; k < N; k++) squares += values[p][k] * values[p][k];
  });
  const float reciprocal = rsqrtf(ic_warp_sum(squares) / static_cast<float>(o.dimension) + o.epsilon);
  if (threadIdx.x % 32 == 0) *o.statistics.at(row, head) = reciprocal;
  for_each_pack<N, P>(o.dimension, [&](int p, int column) {
    float factor[N];
    ic_load(factor, weight + column);
#pragma unroll
    for (int k = 0; k < N; k++) values[p][k] *= reciprocal * factor[k];
    ic_store(o.to.at(row, start + column), values[p]);
  });
}

// MARK: Backward

// Heads blockIdx.x · warps + warp, and so on in steps of all warps, counted through all rows. A warp keeps its part of
// the gradients of both weights. Those of a block are at partials + blockIdx.x · 2 · dimension: of queries, of keys.
template <class T, int N, int P>
__global__ void __launch_bounds__(32 * warps) head_norm_backward(operands<T> o, float *partials) {
  __shared__ float sums[warps][2][most_elements];
  const int warp = threadIdx.x / 32;
  float query_sums[P][N] = {}, key_sums[P][N] = {};
  const int64_t count = o.rows * o.heads_of_row(), step = static_cast<int64_t>(gridDim.x) * warps;
  for (int64_t index = static_cast<int64_t>(blockIdx.x) * warps + warp; index < count; index += step) {
    const int64_t row = index / o.heads_of_row();
    const int head = static_cast<int>(index % o.heads_of_row()), start = head * o.stride;
    copy_rest<N>(o, row, head);
    if (o.is_value(head)) continue;

    const bool is_query = o.is_query(head);
    const T *const weight = is_query ? o.query_weight : o.key_weight;
    const float reciprocal = *o.statistics.at(row, head);
    float normal[P][N], scaled[P][N], product = 0;
    for_each_pack<N, P>(o.dimension, [&](int p, int column) {
      float upstream[N], factor[N];
      ic_load(normal[p], o.x.at(row, start + column));
      ic_load(upstream, o.from.at(row, start + column));
      ic_load(factor, weight + column);
#pragma unroll
      for (int k = 0; k < N; k++) {
        normal[p][k] *= reciprocal;
        scaled[p][k] = upstream[k] * factor[k];
        product += scaled[p][k] * normal[p][k];
        const float term = upstream[k] * normal[p][k];
        query_sums[p][k] += is_query ? term : 0;
        key_sums[p][k] += is_query ? 0 : term;
      }
    });
    const float mean = ic_warp_sum(product) / static_cast<float>(o.dimension);
    for_each_pack<N, P>(o.dimension, [&](int p, int column) {
#pragma unroll
      for (int k = 0; k < N; k++) scaled[p][k] = reciprocal * (scaled[p][k] - normal[p][k] * mean);
      ic_store(o.to.at(row, start + column), scaled[p]);
    });
  }

  if (partials == nullptr) return;
  for_each_pack<N, P>(o.dimension, [&](int p, int column) {
#pragma unroll
    for (int k = 0; k < N; k++) {
      sums[warp][0][column + k] = query_sums[p][k];
      sums[warp][1][column + k] = key_sums[p][k];
    }
  });
  __syncthreads();
  for (int i = threadIdx.x; i < 2 * o.dimension; i += blockDim.x) {
    float sum = 0;
    for (int w = 0; w < warps; w++) sum += sums[w][i / o.dimension][i % o.dimension];
    partials[static_cast<int64_t>(blockIdx.x) * 2 * o.dimension + i] = sum;
  }
}

// MARK: Launch

// Calls `body` with the size of packs and the number of packs of a lane, constants.
template <class Body> auto by_packs(int dimension, bool whole_packs, Body body) {
  using std::integral_constant;
  if (!whole_packs) return body(integral_constant<int, 1>(), integral_constant<int, most_elements / 32>());
  if (dimension <= 128) return body(integral_constant<int, 4>(), integral_constant<int, 1>());
  return body(integral_constant<int, 4>(), integral_constant<int, 2>());
}

// Whether heads, and weights, may be read in packs of four elements.
bool has_packs(
  const ic_head_norm_spec &spec, std::initializer_list<ic_tensor> rows, ic_tensor query_weight, ic_tensor key_weight) {
  for (ic_tensor tensor : rows) {
    tensor.columns = spec.head_dimension;
    if (!ic_whole_packs(4, {tensor, query_weight, key_weight})) return false;
  }
  return spec.head_stride % 4 == 0;
}

ic_status check(ic_context *context, const char *kernel, const ic_head_norm_spec &spec) {
  if (spec.head_dimension >= 1 && spec.head_dimension <= most_elements && spec.head_stride >= spec.head_dimension) {
    return IC_OK;
  }
  return ic_fail(
    context, IC_UNSUPPORTED,
    "%s: heads of %d elements, %d apart; the CUDA device normalises heads of 1 to %d elements that do not overlap",
    kernel, spec.head_dimension, spec.head_stride, most_elements);
}

template <class T>
operands<T> operands_of(
  ic_tensor to, ic_tensor from, ic_tensor x, ic_tensor statistics, ic_tensor query_weight, ic_tensor key_weight,
  const ic_head_norm_spec &spec) {
  return {
    ic_rows_of<T>(to), ic_rows_of<T>(from), ic_rows_of<T>(x), ic_rows_of<float>(statistics),
    ic_pointer<T>(query_weight), ic_pointer<T>(key_weight), x.rows, spec.heads, spec.kv_heads, spec.head_dimension,
    spec.head_stride, spec.epsilon};
}

}  // namespace

ic_status ic_head_norm(
  ic_context *context, ic_tensor y, ic_tensor statistics, ic_tensor x, ic_tensor query_weight, ic_tensor key_weight,
  ic_head_norm_spec spec) {
  const ic_status status = check(context, "headNorm", spec);
  if (status != IC_OK || x.rows <= 0) return status;
  const bool whole_packs = has_packs(spec, {y, x}, query_weight, key_weight);
  return ic_by_type(context, x.dtype, "headNorm", [&](auto zero) {
    using T = decltype(zero);
    const operands<T> o = operands_of<T>(y, x, x, statistics, query_weight, key_weight, spec);
    const int64_t count = o.rows * (o.heads + 2 * o.kv_heads);
    return by_packs(spec.head_dimension, whole_packs, [&](auto size, auto packs) {
      auto kernel = head_norm<T, size, packs>;
      IC_LAUNCH(kernel, static_cast<unsigned>(ic_ceiling_divide(count, warps)), 32 * warps, 0, context, o);
      return ic_launched(context, "headNorm");
    });
  });
}

ic_status ic_head_norm_backward(
  ic_context *context, ic_tensor dx, ic_tensor d_query_weight, ic_tensor d_key_weight, ic_tensor dy, ic_tensor x,
  ic_tensor query_weight, ic_tensor key_weight, ic_tensor statistics, ic_head_norm_spec spec) {
  const ic_status status = check(context, "headNormBackward", spec);
  if (status != IC_OK || x.rows <= 0) return status;
  const ic_column_results results = {{ic_pointer<float>(d_query_weight), ic_pointer<float>(d_key_weight)}};
  const bool whole_packs = has_packs(spec, {dx, dy, x}, query_weight, key_weight);
  return ic_by_type(context, x.dtype, "headNormBackward", [&](auto zero) {
    using T = decltype(zero);
    const operands<T> o = operands_of<T>(dx, dy, x, statistics, query_weight, key_weight, spec);
    // Four blocks a multiprocessor, as long as each warp has a few heads: partial sums are memory traffic too.
    const int64_t count = o.rows * (o.heads + 2 * o.kv_heads), most = ic_ceiling_divide(count, 4 * warps);
    const int64_t blocks = most < 4 * context->multiprocessors ? most : 4 * context->multiprocessors;
    float *partials = nullptr;
    if (results.sums[0] || results.sums[1]) {
      partials = ic_scratch_array<float>(context, blocks * 2 * spec.head_dimension);
      if (!partials) return IC_OUT_OF_MEMORY;
    }
    return by_packs(spec.head_dimension, whole_packs, [&](auto size, auto packs) {
      auto kernel = head_norm_backward<T, size, packs>;
      IC_LAUNCH(kernel, static_cast<unsigned>(blocks), 32 * warps, 0, context, o, partials);
      if (partials) ic_add_partial_sums(context, results, 2, partials, blocks, spec.head_dimension);
      return ic_launched(context, "headNormBackward");
    });
  });
}
