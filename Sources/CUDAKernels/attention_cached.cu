// Attention of new rows against a cache of keys and values. Many new rows (a prompt) are tiles like any others; few
// (decoding) are bound by the reading of the cache, which is split over blocks so that one sequence keeps the whole GPU
// busy ("flash-decoding", Dao et al. 2023), and whose parts are then combined in order.
#include "attention_launch.cuh"
#include "kernels.cuh"
#include "mma.cuh"
#include "reduce.cuh"

namespace {

constexpr int decode_warps = 4, decode_keys = 8;
// New rows of a sequence from which on tiles of queries are filled well enough; parts of a cache, at most, and keys in
// one, at least.
constexpr int fewest_tile_rows = 16, most_parts = 64, fewest_part_keys = 64;

template <class T> struct cache_rows {
  ic_rows<const T> k, v;
  ic_rows<T> keys, values;
};

// One block a new row: its k and v into the caches. `pieces` of a row's k.
template <class Piece>
__global__ void append_kernel(
  cache_rows<Piece> rows, int pieces, ic_attention_sizes shape, const ic_step_scalars *scalars) {
  const int64_t row = blockIdx.x;
  const int64_t cached =
    row / shape.length * shape.capacity + ic_attention_position(scalars, shape) + row % shape.length;
  for (int i = threadIdx.x; i < pieces; i += blockDim.x) {
    *rows.keys.at(cached, i) = *rows.k.at(row, i);
    *rows.values.at(cached, i) = *rows.v.at(row, i);
  }
}

template <class T> struct decode_arguments {
  ic_attention_sizes shape;
  ic_rows<const T> q, keys, values;
  ic_rows<T> y;
  const ic_step_scalars *scalars;
  int parts;
  // Of each new row, query head and part: Σ e^(score − maximum)·v, [.., D]; the maximum; Σ e^(score − maximum).
  float *sums, *maxima, *totals;
};

// How keys first ..< last, all that any of the new rows sees, are split: into `count` parts of `size`, the last may be
// smaller.
struct key_parts {
  int first, last, size, count;

  __device__ __forceinline__ key_parts(const ic_attention_sizes &shape, int position, int most) {
    first = max(0, position - shape.window + 1);
    last = position + shape.length;
    const int even = (last - first + most - 1) / most;
    size = max(fewest_part_keys, (even + decode_keys - 1) / decode_keys * decode_keys);
    count = (last - first + size - 1) / size;
  }
};

// Sums each of x over the warp; lane l gets the total of x[l / 4].
__device__ __forceinline__ float sum_eight(float (&x)[decode_keys]) {
  const int lane = ic_lane();
#pragma unroll
  for (int half = 4, distance = 16; half; half /= 2, distance /= 2) {
    const bool upper = lane & distance;
#pragma unroll
    for (int i = 0; i < half; i++) {
      const float other = __shfl_xor_sync(ic_full_warp, upper ? x[i] : x[i + half], distance);
      x[i] = (upper ? x[i + half] : x[i]) + other;
    }
  }
  x[0] += __shfl_xor_sync(ic_full_warp, x[0], 2);
  return x[0] + __shfl_xor_sync(ic_full_warp, x[0], 1);
}

// Up to QUERIES queries (of the rows and heads that share keys) against one part of the cache. A warp takes 8 keys at a
// time; a lane has PIECES packs of SIZE neighbouring columns.
template <class T, int SIZE, int PIECES, int QUERIES, bool ADJUSTED>
__global__ void __launch_bounds__(32 * decode_warps) decode_kernel(decode_arguments<T> arguments) {
  constexpr int WIDTH = 32 * SIZE * PIECES;
  __shared__ float shared_sums[decode_warps][QUERIES][WIDTH];
  __shared__ float shared_maxima[decode_warps][QUERIES], shared_totals[decode_warps][QUERIES];

  const ic_attention_sizes &shape = arguments.shape;
  const int queries = shape.length * shape.group, chunks = (queries + QUERIES - 1) / QUERIES;
  const int part = int(blockIdx.x % arguments.parts), chunk = int(blockIdx.x / arguments.parts % chunks);
  const int64_t kv_block = blockIdx.x / arguments.parts / chunks;
  const int kv_heads = shape.heads / shape.group, kv_head = int(kv_block % kv_heads);
  const int64_t sequence = kv_block / kv_heads, first_key = sequence * shape.capacity;
  const int position = ic_attention_position(arguments.scalars, shape);
  const key_parts parts(shape, position, arguments.parts);
  if (part >= parts.count) return;
  const int begin = parts.first + part * parts.size, end = min(begin + parts.size, parts.last);

  const auto row_of = [&](int query) { return min(query, queries - 1) / shape.group; };
  const auto head_of = [&](int query) { return kv_head * shape.group + min(query, queries - 1) % shape.group; };
  const auto column = [&](int piece) { return (32 * piece + ic_lane()) * SIZE; };
  float q[QUERIES][PIECES][SIZE] = {}, sums[QUERIES][PIECES][SIZE] = {}, maximum[QUERIES], total[QUERIES] = {};
#pragma unroll
  for (int i = 0; i < QUERIES; i++) {
    const int query = chunk * QUERIES + i;
    maximum[i] = -INFINITY;
#pragma unroll
    for (int c = 0; c < PIECES; c++) {
      if (column(c) >= shape.dimension) continue;
      ic_load(
        q[i][c], arguments.q.at(sequence * shape.length + row_of(query), head_of(query) * shape.dimension + column(c)));
    }
  }

  for (int key = begin + ic_warp() * decode_keys; key < end; key += decode_warps * decode_keys) {
    ic_pack<T, SIZE> k[decode_keys][PIECES] = {}, v[decode_keys][PIECES] = {};
#pragma unroll
    for (int u = 0; u < decode_keys; u++) {
#pragma unroll
      for (int c = 0; c < PIECES; c++) {
        if (key + u >= end || column(c) >= shape.dimension) continue;
        const int64_t row = first_key + key + u, start = kv_head * shape.dimension + column(c);
        k[u][c] = ic_load_pack<SIZE>(arguments.keys.at(row, start));
        v[u][c] = ic_load_pack<SIZE>(arguments.values.at(row, start));
      }
    }
#pragma unroll
    for (int i = 0; i < QUERIES; i++) {
      float dots[decode_keys] = {};
#pragma unroll
      for (int u = 0; u < decode_keys; u++) {
#pragma unroll
        for (int c = 0; c < PIECES; c++) {
          float values[SIZE];
          ic_unpack(values, k[u][c]);
#pragma unroll
          for (int e = 0; e < SIZE; e++) dots[u] += q[i][c][e] * values[e];
        }
      }
      const int at = position + row_of(chunk * QUERIES + i), own_key = key + ic_lane() / 4;
      const float dot = sum_eight(dots);
      const float slope = ic_attention_slope<ADJUSTED>(shape, head_of(chunk * QUERIES + i));
      const float score = own_key <= at && at - own_key < shape.window && own_key < end
        ? ic_score<ADJUSTED>(shape, slope, dot, at - own_key).value
        : -INFINITY;
      float largest = fmaxf(maximum[i], score);
      for (int distance = 16; distance > 2; distance /= 2) {
        largest = fmaxf(largest, __shfl_xor_sync(ic_full_warp, largest, distance));
      }
      // A query that has seen no key yet stays at 0 rather than ∞ − ∞.
      const float origin = largest == -INFINITY ? 0 : largest;
      const float factor = expf(maximum[i] - origin), weight = expf(score - origin);
      maximum[i] = largest;
      total[i] = total[i] * factor + weight;
#pragma unroll
      for (int c = 0; c < PIECES; c++) {
#pragma unroll
        for (int e = 0; e < SIZE; e++) sums[i][c][e] *= factor;
      }
#pragma unroll
      for (int u = 0; u < decode_keys; u++) {
        const float p = __shfl_sync(ic_full_warp, weight, 4 * u);
        if (key + u > at) continue;  // not even a NaN of a later row is seen
#pragma unroll
        for (int c = 0; c < PIECES; c++) {
          float values[SIZE];
          ic_unpack(values, v[u][c]);
#pragma unroll
          for (int e = 0; e < SIZE; e++) sums[i][c][e] += p * values[e];
        }
      }
    }
  }

#pragma unroll
  for (int i = 0; i < QUERIES; i++) {
    for (int distance = 16; distance > 2; distance /= 2) {
      total[i] += __shfl_xor_sync(ic_full_warp, total[i], distance);
    }
    if (ic_lane() == 0) shared_maxima[ic_warp()][i] = maximum[i], shared_totals[ic_warp()][i] = total[i];
#pragma unroll
    for (int c = 0; c < PIECES; c++) {
#pragma unroll
      for (int e = 0; e < SIZE; e++) shared_sums[ic_warp()][i][column(c) + e] = sums[i][c][e];
    }
  }
  __syncthreads();
  for (int i = 0; i < QUERIES && chunk * QUERIES + i < queries; i++) {
    const int query = chunk * QUERIES + i;
    const int64_t row = sequence * shape.length + row_of(query);
    const int64_t index = (row * shape.heads + head_of(query)) * arguments.parts + part;
    float largest = -INFINITY, sum = 0, factors[decode_warps];
    for (int w = 0; w < decode_warps; w++) largest = fmaxf(largest, shared_maxima[w][i]);
    for (int w = 0; w < decode_warps; w++) {
      factors[w] = expf(shared_maxima[w][i] - (largest == -INFINITY ? 0 : largest));
      sum += shared_totals[w][i] * factors[w];
    }
    if (threadIdx.x == 0) arguments.maxima[index] = largest, arguments.totals[index] = sum;
    for (int d = threadIdx.x; d < shape.dimension; d += blockDim.x) {
      float x = 0;
      for (int w = 0; w < decode_warps; w++) x += shared_sums[w][i][d] * factors[w];
      arguments.sums[index * shape.dimension + d] = x;
    }
  }
}

// y of one row and head, from its parts.
template <class T> __global__ void __launch_bounds__(128) combine_kernel(decode_arguments<T> arguments) {
  __shared__ float factors[most_parts];
  const ic_attention_sizes &shape = arguments.shape;
  const int64_t index = blockIdx.x, row = index / shape.heads;
  const int head = int(index % shape.heads), position = ic_attention_position(arguments.scalars, shape);
  const float *maxima = arguments.maxima + index * arguments.parts;
  const float *totals = arguments.totals + index * arguments.parts;
  const float *sums = arguments.sums + index * arguments.parts * shape.dimension;
  const int parts = key_parts(shape, position, arguments.parts).count;
  if (threadIdx.x < 32) {
    float largest = -INFINITY, total = 0;
    for (int part = ic_lane(); part < parts; part += 32) largest = fmaxf(largest, maxima[part]);
    for (int distance = 16; distance; distance /= 2) {
      largest = fmaxf(largest, __shfl_xor_sync(ic_full_warp, largest, distance));
    }
    for (int part = ic_lane(); part < parts; part += 32) {
      factors[part] = expf(maxima[part] - (largest == -INFINITY ? 0 : largest));
      total += totals[part] * factors[part];
    }
    const float reciprocal = 1 / ic_warp_sum(total);
    for (int part = ic_lane(); part < parts; part += 32) factors[part] *= reciprocal;
  }
  __syncthreads();
  for (int d = threadIdx.x; d < shape.dimension; d += blockDim.x) {
    float x = 0;
#pragma unroll 8
    for (int part = 0; part < parts; part++) x += factors[part] * sums[part * shape.dimension + d];
    *arguments.y.at(row, head * shape.dimension + d) = ic_element<T>(x);
  }
}

// MARK: Launches

template <class Piece>
void launch_append(
  ic_context *context, const ic_attention_sizes &shape, ic_tensor qkv, ic_tensor keys, ic_tensor values,
  ic_attention_spec spec) {
  const int64_t size = ic_element_size(qkv.dtype), per_piece = int64_t(sizeof(Piece)) / size;
  const int64_t head_bytes = size * spec.head_dimension;
  const uint64_t k = qkv.address + uint64_t(spec.heads * head_bytes), v = k + uint64_t(spec.kv_heads * head_bytes);
  const cache_rows<Piece> rows = {
    {reinterpret_cast<const Piece *>(k), qkv.stride / per_piece},
    {reinterpret_cast<const Piece *>(v), qkv.stride / per_piece},
    {ic_pointer<Piece>(keys), keys.stride / per_piece},
    {ic_pointer<Piece>(values), values.stride / per_piece}};
  const int pieces = int(spec.kv_heads * spec.head_dimension / per_piece);
  IC_LAUNCH(append_kernel<Piece>, unsigned(qkv.rows), 128, 0, context, rows, pieces, shape, context->scalars);
}

template <class T, int SIZE, int PIECES>
void launch_decode(ic_context *context, const decode_arguments<T> &arguments, int64_t blocks, bool single) {
  ic_by_adjustment(arguments.shape, [&](auto adjusted) {
    auto kernel =
      single ? decode_kernel<T, SIZE, PIECES, 1, adjusted> : decode_kernel<T, SIZE, PIECES, 4, adjusted>;
    IC_LAUNCH(kernel, unsigned(blocks), 32 * decode_warps, 0, context, arguments);
  });
}

ic_status check_caches(
  ic_context *context, ic_tensor qkv, ic_tensor keys, ic_tensor values, int64_t capacity, ic_attention_spec spec) {
  const int64_t columns = int64_t(spec.kv_heads) * spec.head_dimension, rows = qkv.rows / spec.length * capacity;
  if (capacity < spec.length || capacity >= IC_NO_WINDOW) {
    return ic_fail(
      context, IC_INVALID, "attention_cached: %lld new rows of a sequence do not fit a cache of %lld",
      (long long)spec.length, (long long)capacity);
  }
  if (qkv.rows * spec.heads > INT32_MAX) {
    return ic_fail(
      context, IC_INVALID, "attention_cached: %lld rows of %d heads are more than CUDA launches", (long long)qkv.rows,
      spec.heads);
  }
  for (const ic_tensor &cache : {keys, values}) {
    if (cache.rows == rows && cache.columns == columns && cache.dtype == qkv.dtype && cache.stride >= columns) continue;
    return ic_fail(
      context, IC_INVALID, "attention_cached: a cache of %lld × %lld, type %d; %lld × %lld, type %d, are expected",
      (long long)cache.rows, (long long)cache.columns, int(cache.dtype), (long long)rows, (long long)columns,
      int(qkv.dtype));
  }
  return IC_OK;
}

template <class T> ic_status decode(ic_context *context, const ic_forward_arguments<T> &forward, int unit) {
  const ic_attention_sizes &shape = forward.shape;
  const int64_t rows = shape.sequences * shape.length, queries = int64_t(shape.length) * shape.group;
  const bool single = queries == 1;
  const int64_t chunks = shape.sequences * (shape.heads / shape.group) * (single ? 1 : ic_ceiling_divide(queries, 4));
  // A few blocks a multiprocessor, but no more parts than the cache is worth.
  const int64_t wanted = ic_ceiling_divide(4 * context->multiprocessors, chunks);
  const int64_t useful = ic_ceiling_divide(shape.capacity, fewest_part_keys);
  decode_arguments<T> arguments;
  arguments.parts = int(wanted < useful ? wanted : useful);
  if (arguments.parts > most_parts) arguments.parts = most_parts;
  arguments.shape = shape;
  arguments.q = forward.q, arguments.keys = forward.k, arguments.values = forward.v, arguments.y = forward.y;
  arguments.scalars = forward.scalars;
  const int64_t count = rows * shape.heads * arguments.parts;
  arguments.sums =
    static_cast<float *>(ic_scratch(context, size_t(count * (shape.dimension + 2)) * sizeof(float)));
  if (!arguments.sums) return IC_OUT_OF_MEMORY;
  arguments.maxima = arguments.sums + count * shape.dimension;
  arguments.totals = arguments.maxima + count;

  if (unit < 4 * int(sizeof(T))) {
    launch_decode<T, 1, 8>(context, arguments, chunks * arguments.parts, single);
  } else if (shape.dimension <= 128) {
    launch_decode<T, 4, 1>(context, arguments, chunks * arguments.parts, single);
  } else {
    launch_decode<T, 4, 2>(context, arguments, chunks * arguments.parts, single);
  }
  IC_LAUNCH(combine_kernel<T>, unsigned(rows * shape.heads), 128, 0, context, arguments);
  return ic_launched(context, "attention_cached");
}

}  // namespace

ic_status ic_attention_cached(
  ic_context *context, ic_tensor y, ic_tensor qkv, ic_tensor keys, ic_tensor values, ic_tensor slopes,
  int64_t capacity, ic_attention_spec spec) {
  ic_status status = ic_check_attention(context, "attention_cached", qkv, {y}, slopes, spec);
  if (status == IC_OK) status = check_caches(context, qkv, keys, values, capacity, spec);
  if (status != IC_OK || qkv.rows == 0) return status;

  return ic_by_type(context, qkv.dtype, "attention_cached", [&](auto zero) {
    using T = decltype(zero);
    const int unit = ic_attention_unit(spec.head_dimension, {qkv, keys, values});
    ic_forward_arguments<T> arguments;
    arguments.shape = ic_attention_sizes_of(qkv, slopes, spec);
    arguments.shape.capacity = int(capacity);
    arguments.q = ic_heads<const T>(qkv, 0, spec);
    arguments.k = ic_rows_of<const T>(keys);
    arguments.v = ic_rows_of<const T>(values);
    arguments.y = ic_rows_of<T>(y);
    arguments.log_sum_exp = {nullptr, 0};
    arguments.scalars = context->scalars;
    arguments.load_bytes = unit;
    arguments.store_bytes = ic_attention_unit(spec.head_dimension, {y});

    switch (unit) {
    case 16: launch_append<uint4>(context, arguments.shape, qkv, keys, values, spec); break;
    case 8: launch_append<uint2>(context, arguments.shape, qkv, keys, values, spec); break;
    case 4: launch_append<uint32_t>(context, arguments.shape, qkv, keys, values, spec); break;
    default: launch_append<bf16>(context, arguments.shape, qkv, keys, values, spec); break;
    }
    if (spec.length >= fewest_tile_rows) return ic_attend(context, "attention_cached", arguments);
    return decode(context, arguments, unit);
  });
}
