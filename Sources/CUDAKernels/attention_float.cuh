// Attention in float32 without tensor cores, for runs whose numbers are to be compared: every product and sum is
// float32.
//
// A warp owns four rows and goes over tiles of 32 rows of the other kind, one a lane where it computes scores (or their
// gradients), one column a lane where it sums up rows. What lanes tell each other goes through shared memory.
#pragma once

#include "attention.cuh"
#include "mma.cuh"
#include "reduce.cuh"

constexpr int IC_FLOAT_OWN = 4, IC_FLOAT_TILE = 32;

// Floats from one row of a tile to the next: an odd number of 16 bytes, so that lanes that read a column of rows at
// once use all banks.
__device__ __host__ __forceinline__ int ic_float_pitch(int dimension) { return ((dimension + 3) / 4 | 1) * 4; }

// Warps of a block: as many rows as fit in the shared memory of every device.
inline int ic_float_warps(int dimension) { return dimension > 128 ? 2 : 8; }
// Of `kinds` operands a block owns rows; two come by; each warp keeps `weights` for its rows.
inline size_t ic_float_shared(int dimension, int kinds, int weights) {
  const int own = ic_float_warps(dimension) * IC_FLOAT_OWN, rows = kinds * own + 2 * IC_FLOAT_TILE;
  return (rows * ic_float_pitch(dimension) + weights * own * IC_FLOAT_TILE) * sizeof(float);
}

// `rows` rows into shared memory; zeros from the row `valid` on, and from `dimension` on in each row.
__device__ __forceinline__ void ic_float_load(
  float *tile, int rows, ic_rows<const float> source, int valid, int dimension) {
  const int pitch = ic_float_pitch(dimension);
  for (int row = ic_warp(); row < rows; row += blockDim.x / 32) {
    for (int d = ic_lane(); d < pitch; d += 32) {
      tile[row * pitch + d] = row < valid && d < dimension ? *source.at(row, d) : 0;
    }
  }
}

// dots[i] = own row i · the lane's row of the tile.
__device__ __forceinline__ void ic_float_dots(
  float (&dots)[IC_FLOAT_OWN], const float *own, const float *tile, int pitch) {
#pragma unroll
  for (int i = 0; i < IC_FLOAT_OWN; i++) dots[i] = 0;
  for (int d = 0; d < pitch; d += 4) {
    const float4 x = *reinterpret_cast<const float4 *>(tile + ic_lane() * pitch + d);
#pragma unroll
    for (int i = 0; i < IC_FLOAT_OWN; i++) {
      const float4 y = *reinterpret_cast<const float4 *>(own + i * pitch + d);
      dots[i] += x.x * y.x + x.y * y.y + x.z * y.z + x.w * y.w;
    }
  }
}

// sums[i] += Σ weights[i][row]·row for the rows before `end` of the tile; a lane has columns lane, lane + 32, …
template <int COLUMNS>
__device__ __forceinline__ void ic_float_combine(
  float (&sums)[IC_FLOAT_OWN][COLUMNS], const float *weights, const float *tile, int pitch, int end) {
  for (int row = 0; row < end; row++) {
    float weight[IC_FLOAT_OWN];
#pragma unroll
    for (int i = 0; i < IC_FLOAT_OWN; i++) weight[i] = weights[i * IC_FLOAT_TILE + row];
#pragma unroll
    for (int c = 0; c < COLUMNS; c++) {
      const float x = tile[row * pitch + min(ic_lane() + 32 * c, pitch - 1)];
#pragma unroll
      for (int i = 0; i < IC_FLOAT_OWN; i++) sums[i][c] += weight[i] * x;
    }
  }
}

template <int COLUMNS>
__device__ __forceinline__ void ic_float_store(
  ic_rows<float> target, const float (&sums)[IC_FLOAT_OWN][COLUMNS], const float (&factors)[IC_FLOAT_OWN], int valid,
  int dimension) {
#pragma unroll
  for (int i = 0; i < IC_FLOAT_OWN; i++) {
    if (i >= valid) break;
#pragma unroll
    for (int c = 0; c < COLUMNS; c++) {
      if (ic_lane() + 32 * c < dimension) *target.at(i, ic_lane() + 32 * c) = sums[i][c] * factors[i];
    }
  }
}

__device__ __forceinline__ float ic_warp_maximum(float x) {
  for (int lanes = 16; lanes; lanes /= 2) x = fmaxf(x, __shfl_xor_sync(~0u, x, lanes));
  return x;
}

// The weight of a lane's score, e^(score − maximum), with maximum, total and y of the row brought up to date.
template <int COLUMNS>
__device__ __forceinline__ float ic_float_weigh(float score, float &maximum, float &total, float (&y)[COLUMNS]) {
  const float largest = fmaxf(maximum, ic_warp_maximum(score));
  // A row that has seen no key yet stays at 0 rather than ∞ − ∞.
  const float origin = largest == -INFINITY ? 0 : largest, factor = expf(maximum - origin);
  const float weight = expf(score - origin);
  maximum = largest;
  total = total * factor + ic_warp_sum(weight);
#pragma unroll
  for (int c = 0; c < COLUMNS; c++) y[c] *= factor;
  return weight;
}

template <int COLUMNS, bool ADJUSTED>
__global__ void ic_attention_float_kernel(ic_forward_arguments<float> arguments) {
  IC_DYNAMIC_SHARED(float, shared);
  const ic_attention_sizes &shape = arguments.shape;
  const int dimension = shape.dimension, pitch = ic_float_pitch(dimension);
  const int queries = int(blockDim.x) / 32 * IC_FLOAT_OWN;
  float *q_tile = shared, *k_tile = q_tile + queries * pitch, *v_tile = k_tile + IC_FLOAT_TILE * pitch;
  float *weights = v_tile + IC_FLOAT_TILE * pitch + ic_warp() * IC_FLOAT_OWN * IC_FLOAT_TILE;

  const int tiles = (shape.length + queries - 1) / queries;
  const ic_attention_block block(blockIdx.x, tiles, shape.heads);
  const int first = (tiles - 1 - block.tile) * queries, valid = min(queries, shape.length - first);
  const int position = ic_attention_position(arguments.scalars, shape) + first, keys_end = position + valid;
  const int64_t first_row = block.sequence * shape.length + first, first_key = block.sequence * shape.capacity;
  const int head = block.head * dimension, kv_head = block.head / shape.group * dimension;
  ic_float_load(q_tile, queries, ic_from(arguments.q, first_row, head), valid, dimension);

  const int warp_row = ic_warp() * IC_FLOAT_OWN, warp_position = position + warp_row;
  float y[IC_FLOAT_OWN][COLUMNS] = {}, maximum[IC_FLOAT_OWN], total[IC_FLOAT_OWN] = {};
  int start[IC_FLOAT_OWN];
#pragma unroll
  for (int i = 0; i < IC_FLOAT_OWN; i++) {
    maximum[i] = -INFINITY;
    start[i] = ic_document_start<ADJUSTED>(shape, block.sequence, first + warp_row + i);
  }
  const float slope = ic_attention_slope<ADJUSTED>(shape, block.head);
  const int document_start = ic_document_start<ADJUSTED>(shape, block.sequence, first);
  for (int key = max(document_start, position - shape.window + 1); key < keys_end; key += IC_FLOAT_TILE) {
    __syncthreads();
    const int64_t row = first_key + key;
    ic_float_load(
      k_tile, IC_FLOAT_TILE, ic_from(arguments.k, row, kv_head), keys_end - key, dimension);
    ic_float_load(
      v_tile, IC_FLOAT_TILE, ic_from(arguments.v, row, kv_head), keys_end - key, dimension);
    __syncthreads();
    const int seen = min(IC_FLOAT_TILE, warp_position + IC_FLOAT_OWN - key);
    if (seen <= 0) continue;
    float scores[IC_FLOAT_OWN];
    ic_float_dots(scores, q_tile + warp_row * pitch, k_tile, pitch);
#pragma unroll
    for (int i = 0; i < IC_FLOAT_OWN; i++) {
      const int before = warp_position + i - (key + ic_lane());
      const float score = before >= 0 && before < shape.window && (!ADJUSTED || key + ic_lane() >= start[i])
        ? ic_score<ADJUSTED>(shape, slope, scores[i], before).value
        : -INFINITY;
      weights[i * IC_FLOAT_TILE + ic_lane()] = ic_float_weigh(score, maximum[i], total[i], y[i]);
    }
    __syncwarp();
    ic_float_combine(y, weights, v_tile, pitch, seen);
    __syncwarp();
  }

  float factors[IC_FLOAT_OWN];
#pragma unroll
  for (int i = 0; i < IC_FLOAT_OWN; i++) {
    factors[i] = 1 / total[i];
    if (arguments.log_sum_exp.base && ic_lane() == 0 && warp_row + i < valid) {
      *arguments.log_sum_exp.at(first_row + warp_row + i, block.head) = maximum[i] + logf(total[i]);
    }
  }
  ic_float_store(
    ic_from(arguments.y, first_row + warp_row, head), y, factors, valid - warp_row, dimension);
}

template <int COLUMNS, bool ADJUSTED>
__global__ void ic_attention_float_queries_kernel(ic_backward_arguments<float> arguments) {
  IC_DYNAMIC_SHARED(float, shared);
  const ic_attention_sizes &shape = arguments.shape;
  const int length = shape.length, dimension = shape.dimension, pitch = ic_float_pitch(dimension);
  const int queries = int(blockDim.x) / 32 * IC_FLOAT_OWN;
  float *q_tile = shared, *dy_tile = q_tile + queries * pitch, *k_tile = dy_tile + queries * pitch;
  float *v_tile = k_tile + IC_FLOAT_TILE * pitch;
  float *weights = v_tile + IC_FLOAT_TILE * pitch + ic_warp() * IC_FLOAT_OWN * IC_FLOAT_TILE;

  const int tiles = (length + queries - 1) / queries;
  const ic_attention_block block(blockIdx.x, tiles, shape.heads);
  const int first = (tiles - 1 - block.tile) * queries, valid = min(queries, length - first);
  const int64_t sequence_row = block.sequence * length, first_row = sequence_row + first;
  const int head = block.head * dimension, kv_head = block.head / shape.group * dimension;
  ic_float_load(q_tile, queries, ic_from(arguments.q, first_row, head), valid, dimension);
  ic_float_load(dy_tile, queries, ic_from(arguments.dy, first_row, head), valid, dimension);

  const int warp_row = ic_warp() * IC_FLOAT_OWN, warp_query = first + warp_row;
  float dq[IC_FLOAT_OWN][COLUMNS] = {}, log_sum_exp[IC_FLOAT_OWN], delta[IC_FLOAT_OWN], factors[IC_FLOAT_OWN];
  int start[IC_FLOAT_OWN];
#pragma unroll
  for (int i = 0; i < IC_FLOAT_OWN; i++) {
    const bool inside = warp_row + i < valid;
    const int64_t index = block.head * (shape.sequences * length) + first_row + warp_row + i;
    log_sum_exp[i] = inside ? arguments.scaled_log_sum_exp[index] : 0;
    delta[i] = inside ? arguments.delta[index] : 0;
    factors[i] = shape.scale;
    start[i] = ic_document_start<ADJUSTED>(shape, block.sequence, warp_query + i);
  }
  const float slope = ic_attention_slope<ADJUSTED>(shape, block.head);
  const int document_start = ic_document_start<ADJUSTED>(shape, block.sequence, first);
  for (int key = max(document_start, first - shape.window + 1); key < first + valid; key += IC_FLOAT_TILE) {
    __syncthreads();
    const int64_t row = sequence_row + key;
    const int left = first + valid - key;
    ic_float_load(k_tile, IC_FLOAT_TILE, ic_from(arguments.k, row, kv_head), left, dimension);
    ic_float_load(v_tile, IC_FLOAT_TILE, ic_from(arguments.v, row, kv_head), left, dimension);
    __syncthreads();
    const int seen = min(IC_FLOAT_TILE, warp_query + IC_FLOAT_OWN - key);
    if (seen <= 0) continue;
    float scores[IC_FLOAT_OWN], gradients[IC_FLOAT_OWN];
    ic_float_dots(scores, q_tile + warp_row * pitch, k_tile, pitch);
    ic_float_dots(gradients, dy_tile + warp_row * pitch, v_tile, pitch);
#pragma unroll
    for (int i = 0; i < IC_FLOAT_OWN; i++) {
      const int before = warp_query + i - (key + ic_lane());
      const ic_attention_score score = ic_score<ADJUSTED>(shape, slope, scores[i], before);
      const bool is_seen = before >= 0 && before < shape.window && (!ADJUSTED || key + ic_lane() >= start[i]);
      const float p = is_seen ? expf(score.value - log_sum_exp[i]) : 0;
      weights[i * IC_FLOAT_TILE + ic_lane()] = p * (gradients[i] - delta[i]) * score.derivative;
    }
    __syncwarp();
    ic_float_combine(dq, weights, k_tile, pitch, seen);
    __syncwarp();
  }
  ic_float_store(
    ic_from(arguments.dq, first_row + warp_row, head), dq, factors, valid - warp_row, dimension);
}

template <int COLUMNS, bool ADJUSTED>
__global__ void ic_attention_float_keys_kernel(ic_backward_arguments<float> arguments) {
  IC_DYNAMIC_SHARED(float, shared);
  const ic_attention_sizes &shape = arguments.shape;
  const int length = shape.length, dimension = shape.dimension, pitch = ic_float_pitch(dimension);
  const int keys = int(blockDim.x) / 32 * IC_FLOAT_OWN;
  float *k_tile = shared, *v_tile = k_tile + keys * pitch, *q_tile = v_tile + keys * pitch;
  float *dy_tile = q_tile + IC_FLOAT_TILE * pitch;
  float *p_weights = dy_tile + IC_FLOAT_TILE * pitch + ic_warp() * 2 * IC_FLOAT_OWN * IC_FLOAT_TILE;
  float *ds_weights = p_weights + IC_FLOAT_OWN * IC_FLOAT_TILE;

  const ic_attention_block block(blockIdx.x, (length + keys - 1) / keys, shape.heads / shape.group);
  const int first = block.tile * keys, valid = min(keys, length - first);
  const int last = first + valid - 1;
  const int queries_end =
    min(ADJUSTED ? ic_document_end(shape, block.sequence, last) : length, last + shape.window);
  const int64_t sequence_row = block.sequence * length, first_row = sequence_row + first;
  const int kv_head = block.head * dimension;
  ic_float_load(k_tile, keys, ic_from(arguments.k, first_row, kv_head), valid, dimension);
  ic_float_load(v_tile, keys, ic_from(arguments.v, first_row, kv_head), valid, dimension);

  const int warp_row = ic_warp() * IC_FLOAT_OWN, warp_key = first + warp_row;
  float dk[IC_FLOAT_OWN][COLUMNS] = {}, dv[IC_FLOAT_OWN][COLUMNS] = {};
  for (int head = block.head * shape.group; head < (block.head + 1) * shape.group; head++) {
    const float slope = ic_attention_slope<ADJUSTED>(shape, head);
    for (int query = first; query < queries_end; query += IC_FLOAT_TILE) {
      __syncthreads();
      const int64_t row = sequence_row + query;
      const int left = queries_end - query, column = head * dimension;
      ic_float_load(q_tile, IC_FLOAT_TILE, ic_from(arguments.q, row, column), left, dimension);
      ic_float_load(dy_tile, IC_FLOAT_TILE, ic_from(arguments.dy, row, column), left, dimension);
      __syncthreads();
      if (query + IC_FLOAT_TILE <= warp_key) continue;
      const bool inside = ic_lane() < left;
      const int64_t index = head * (shape.sequences * length) + row + ic_lane();
      const float log_sum_exp = inside ? arguments.scaled_log_sum_exp[index] : 0;
      const float delta = inside ? arguments.delta[index] : 0;
      const int start = ic_document_start<ADJUSTED>(shape, block.sequence, query + ic_lane());
      float scores[IC_FLOAT_OWN], gradients[IC_FLOAT_OWN];
      ic_float_dots(scores, k_tile + warp_row * pitch, q_tile, pitch);
      ic_float_dots(gradients, v_tile + warp_row * pitch, dy_tile, pitch);
#pragma unroll
      for (int i = 0; i < IC_FLOAT_OWN; i++) {
        const int after = query + ic_lane() - (warp_key + i);
        const ic_attention_score score = ic_score<ADJUSTED>(shape, slope, scores[i], after);
        const bool is_seen =
          inside && after >= 0 && after < shape.window && (!ADJUSTED || warp_key + i >= start);
        const float p = is_seen ? expf(score.value - log_sum_exp) : 0;
        p_weights[i * IC_FLOAT_TILE + ic_lane()] = p;
        ds_weights[i * IC_FLOAT_TILE + ic_lane()] = p * (gradients[i] - delta) * score.derivative;
      }
      __syncwarp();
      const int end = min(IC_FLOAT_TILE, left);
      ic_float_combine(dv, p_weights, dy_tile, pitch, end);
      ic_float_combine(dk, ds_weights, q_tile, pitch, end);
      __syncwarp();
    }
  }
  const float scale = shape.scale;
  ic_float_store(
    ic_from(arguments.dk, first_row + warp_row, kv_head), dk, {scale, scale, scale, scale},
    valid - warp_row, dimension);
  ic_float_store(
    ic_from(arguments.dv, first_row + warp_row, kv_head), dv, {1, 1, 1, 1}, valid - warp_row,
    dimension);
}
