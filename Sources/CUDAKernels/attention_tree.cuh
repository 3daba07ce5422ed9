// Attention of rows that are leaves of trees of texts. A block takes a tile of rows, whatever texts they are of, and one
// head; it goes over the keys that any of the rows sees: of the prefix's cache, then of the packed rows themselves.
#pragma once

#include "attention_float.cuh"
#include "attention_forward.cuh"

#include <limits.h>

template <class T> struct ic_tree_arguments {
  // Of one sequence, which is all rows.
  ic_attention_sizes shape;
  ic_rows<const T> q, k, v;
  // `prefix_rows` of them, which may be none.
  ic_rows<const T> prefix_k, prefix_v;
  int prefix_rows;
  ic_rows<const int32_t> spans;
  ic_rows<T> y;
  // As in ic_forward_arguments.
  int load_bytes, store_bytes;
};

// MARK: What rows see

struct ic_tree_interval {
  int begin, end;

  __device__ __forceinline__ bool contains(int key) const { return key >= begin && key < end; }
  // Of the `count` keys from `key` on: any of them, all of them.
  __device__ __forceinline__ bool meets(int key, int count) const {
    return begin < end && begin < key + count && end > key;
  }
  __device__ __forceinline__ bool covers(int key, int count) const { return begin <= key && end >= key + count; }
  // Becomes the smallest that holds both.
  __device__ __forceinline__ void widen(ic_tree_interval other) {
    if (other.begin >= other.end) return;
    begin = min(begin, other.begin);
    end = max(end, other.end);
  }
};

// What one row sees, less what its window does not reach: keys of the prefix, and keys of packed rows, some shared with
// other rows and then its own, up to itself.
struct ic_tree_row {
  ic_tree_interval prefix, shared, own;
  // Of the row in its text; packed rows between the shared and its own.
  int position, skipped;

  template <class T> __device__ __forceinline__ ic_tree_row(const ic_tree_arguments<T> &arguments, int row) {
    const auto span = [&](int column, int most) {
      return max(0, min(__ldg(arguments.spans.at(row, column)), most));
    };
    own = {span(3, row), row + 1};
    shared.end = span(2, own.begin);
    shared.begin = span(1, shared.end);
    prefix = {0, span(0, arguments.prefix_rows)};
    const int shared_position = prefix.end, own_position = shared_position + shared.end - shared.begin;
    position = own_position + row - own.begin;
    skipped = own.begin - shared.end;
    // The first position that is seen.
    const int reach = position - arguments.shape.window + 1;
    prefix.begin = max(0, reach);
    shared.begin += max(0, reach - shared_position);
    own.begin += max(0, reach - own_position);
  }

  __device__ __forceinline__ bool sees(int key, bool cached) const {
    return cached ? prefix.contains(key) : shared.contains(key) || own.contains(key);
  }
  __device__ __forceinline__ bool sees_any(int key, int count, bool cached) const {
    return cached ? prefix.meets(key, count) : shared.meets(key, count) || own.meets(key, count);
  }
  __device__ __forceinline__ bool sees_all(int key, int count, bool cached) const {
    return cached ? prefix.covers(key, count) : shared.covers(key, count) || own.covers(key, count);
  }
  // How far a key that is seen is before the row in its text.
  __device__ __forceinline__ int distance(int key, bool cached) const {
    return cached ? position - key : own.end - 1 - key - (key < shared.end ? skipped : 0);
  }
};

// Of `count` rows from `first` on; those after the last row see what that sees. There after a barrier.
template <class T>
__device__ __forceinline__ void ic_load_tree_rows(
  ic_tree_row *rows, const ic_tree_arguments<T> &arguments, int first, int count) {
  for (int i = threadIdx.x; i < count; i += blockDim.x) {
    rows[i] = ic_tree_row(arguments, min(first + i, arguments.shape.length - 1));
  }
}

// Tiles of the keys that any of some rows sees: keys key ..< end at a time, of the prefix (`cached`) or of packed rows.
// What lies behind the end comes later, or is not seen at all.
struct ic_tree_keys {
  int key, end;
  bool cached;

  __device__ __forceinline__ ic_tree_keys(const ic_tree_row *rows, int count) : cached(true) {
    ic_tree_interval seen[3] = {{INT_MAX, 0}, {INT_MAX, 0}, {INT_MAX, 0}};
    for (int i = ic_lane(); i < count; i += 32) {
      seen[0].widen(rows[i].prefix);
      seen[1].widen(rows[i].shared);
      seen[2].widen(rows[i].own);
    }
#pragma unroll
    for (int i = 0; i < 3; i++) {
      for (int lanes = 16; lanes; lanes /= 2) {
        seen[i].widen({__shfl_xor_sync(~0u, seen[i].begin, lanes), __shfl_xor_sync(~0u, seen[i].end, lanes)});
      }
    }
    key = seen[0].begin, end = seen[0].end;
    shared = seen[1], own = seen[2];
    // No packed row twice.
    if (shared.begin < shared.end && shared.end > own.begin) {
      own.widen(shared);
      shared = {INT_MAX, 0};
    }
    settle();
  }

  __device__ __forceinline__ bool any() const { return key < end; }
  __device__ __forceinline__ void advance(int count) {
    key += count;
    settle();
  }

private:
  ic_tree_interval shared, own;

  // On to the next interval, where this one is at its end.
  __device__ __forceinline__ void settle() {
    if (key < end) return;
    cached = false;
    const ic_tree_interval next = shared.begin < shared.end ? shared : own;
    if (shared.begin >= shared.end) own = {INT_MAX, 0};
    shared = {INT_MAX, 0};
    key = next.begin, end = next.end;
  }
};

// MARK: bfloat16

template <int WIDTH, int KEYS> struct ic_tree_layout : ic_forward_layout<WIDTH, 1, KEYS> {
  using base = ic_forward_layout<WIDTH, 1, KEYS>;
  static constexpr int SHARED = base::SHARED + base::QUERIES * int(sizeof(ic_tree_row));
};

// Scores of a warp's 16 rows, laid out as the others of attention_tile.cuh.
template <int WIDTH, int KEYS> struct ic_tree_warp : ic_forward_warp<WIDTH, 1, KEYS> {
  // Calls `body` with every score, its row and its key.
  template <class Body> __device__ __forceinline__ void for_each_score(const ic_tree_row *rows, int key, Body body) {
    const int lane = ic_recomputed(ic_lane()), column = key + lane % 4 * 2;
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const ic_tree_row row = rows[lane / 4 + 8 * half];
#pragma unroll
      for (int n = 0; n < KEYS / 8; n++) {
#pragma unroll
        for (int i = 0; i < 2; i++) body(this->scores[0][n][2 * half + i], row, column + 8 * n + i);
      }
    }
  }

  // Products of q and k become scores to base 2.
  __device__ __forceinline__ void adjust(
    const ic_attention_sizes &shape, float slope, const ic_tree_row *rows, const ic_tree_keys &keys) {
    ic_score_adjustment(shape, 0).apply<false>(this->scores[0], 0, 0);
    if (slope == 0) return;
    for_each_score(rows, keys.key, [&](float &score, const ic_tree_row &row, int key) {
      score -= slope * IC_LOG2_E * float(row.distance(key, keys.cached));
    });
  }

  __device__ __forceinline__ void hide(const ic_tree_row *rows, const ic_tree_keys &keys) {
    for_each_score(rows, keys.key, [&](float &score, const ic_tree_row &row, int key) {
      if (key >= keys.end || !row.sees(key, keys.cached)) score = -INFINITY;
    });
  }

  // y of the warp's rows, from row `first` of the tile on, that come before `valid`. Through the warp's own rows of the
  // queries' tile, so that whole rows are written.
  __device__ __forceinline__ void store(
    const ic_rows<bf16> &target, bf16 *q_tile, int first, int valid, int dimension, int store_bytes) {
    using tile = ic_tile<WIDTH>;
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float total = this->total[0][half];
      total += __shfl_xor_sync(~0u, total, 1);
      total += __shfl_xor_sync(~0u, total, 2);
      const float reciprocal = 1 / total;
      const int row = first + ic_lane() / 4 + 8 * half;
#pragma unroll
      for (int n = 0; n < WIDTH / 8; n++) {
        const float *pair = &this->y[0][n][2 * half];
        tile::store_pair(q_tile, row, n, pair[0] * reciprocal, pair[1] * reciprocal);
      }
    }
    __syncwarp();
    tile::store_warp(target, q_tile, first, valid, 0, dimension, store_bytes);
  }
};

// As ic_attention_forward_kernel, but for what rows see.
template <int WIDTH, int KEYS, int BLOCKS, bool ADJUSTED>
__global__ void __launch_bounds__(128, BLOCKS) ic_attention_tree_kernel(ic_tree_arguments<bf16> arguments) {
  using layout = ic_tree_layout<WIDTH, KEYS>;
  using tile = ic_tile<WIDTH>;
  constexpr int THREADS = layout::THREADS, QUERIES = layout::QUERIES;
  IC_DYNAMIC_SHARED(bf16, shared);
  bf16 *q_tile = shared, *k_tile = q_tile + QUERIES * WIDTH, *v_tile = k_tile + KEYS * WIDTH;
  ic_tree_row *rows = reinterpret_cast<ic_tree_row *>(v_tile + KEYS * WIDTH);

  const ic_attention_sizes &shape = arguments.shape;
  const ic_attention_block block(blockIdx.x, (shape.length + QUERIES - 1) / QUERIES, shape.heads);
  const int first = block.tile * QUERIES, valid = min(QUERIES, shape.length - first);
  const int head = block.head * shape.dimension, kv_head = block.head / shape.group * shape.dimension;
  auto load_keys = [&](bf16 *to, const ic_rows<const bf16> &cache, const ic_rows<const bf16> &packed,
                       const ic_tree_keys &keys) {
    tile::template load<KEYS, THREADS>(
      to, ic_from(keys.cached ? cache : packed, keys.key, kv_head), keys.end - keys.key, shape.dimension,
      arguments.load_bytes);
    ic_commit_copies();
  };

  tile::template clear_padding<THREADS>(shared, QUERIES + 2 * KEYS, shape.dimension);
  tile::template load<QUERIES, THREADS>(
    q_tile, ic_from(arguments.q, first, head), valid, shape.dimension, arguments.load_bytes);
  ic_load_tree_rows(rows, arguments, first, QUERIES);
  __syncthreads();
  ic_tree_keys keys(rows, valid);
  load_keys(k_tile, arguments.prefix_k, arguments.k, keys);

  ic_tree_warp<WIDTH, KEYS> warp;
  const int warp_row = ic_warp() * 16;
  const ic_tree_row *warp_rows = rows + warp_row;
  // Adjusted scores are to base 2 already.
  const float scale_log2 = ADJUSTED ? 1 : shape.scale * IC_LOG2_E;
  const float slope = ic_attention_slope<ADJUSTED>(shape, block.head);
  while (keys.any()) {
    ic_wait_for_copies<0>();
    __syncthreads();  // keys are here, and nobody reads values any more
    load_keys(v_tile, arguments.prefix_v, arguments.v, keys);
    const ic_tree_row &own = warp_rows[ic_lane() % 16];
    const bool seen = warp_row < valid && __any_sync(~0u, own.sees_any(keys.key, KEYS, keys.cached));
    const bool hidden =
      seen && !__all_sync(~0u, keys.key + KEYS <= keys.end && own.sees_all(keys.key, KEYS, keys.cached));
    if (seen) warp.score(q_tile, warp_row, k_tile);
    ic_wait_for_copies<0>();
    __syncthreads();  // values are here, and nobody reads keys any more
    ic_tree_keys next = keys;
    next.advance(KEYS);
    if (next.any()) load_keys(k_tile, arguments.prefix_k, arguments.k, next);
    if (seen) {
      if (ADJUSTED) warp.adjust(shape, slope, warp_rows, keys);
      if (hidden) warp.hide(warp_rows, keys);
      warp.weigh(scale_log2);
      // Packed rows after its own no row sees.
      warp.combine(keys.cached ? keys.key + KEYS : first + warp_row, keys.key, v_tile, shape.dimension);
    }
    keys = next;
  }

  warp.store(ic_from(arguments.y, first, head), q_tile, warp_row, valid, shape.dimension, arguments.store_bytes);
}

// MARK: float32

inline size_t ic_tree_float_shared(int dimension) {
  return ic_float_shared(dimension, 1, 1) + ic_float_warps(dimension) * IC_FLOAT_OWN * sizeof(ic_tree_row);
}

// As ic_attention_float_kernel, but for what rows see.
template <int COLUMNS, bool ADJUSTED>
__global__ void ic_attention_tree_float_kernel(ic_tree_arguments<float> arguments) {
  IC_DYNAMIC_SHARED(float, shared);
  const ic_attention_sizes &shape = arguments.shape;
  const int dimension = shape.dimension, pitch = ic_float_pitch(dimension);
  const int queries = int(blockDim.x) / 32 * IC_FLOAT_OWN;
  float *q_tile = shared, *k_tile = q_tile + queries * pitch, *v_tile = k_tile + IC_FLOAT_TILE * pitch;
  float *all_weights = v_tile + IC_FLOAT_TILE * pitch;
  float *weights = all_weights + ic_warp() * IC_FLOAT_OWN * IC_FLOAT_TILE;
  ic_tree_row *rows = reinterpret_cast<ic_tree_row *>(all_weights + queries * IC_FLOAT_TILE);

  const ic_attention_block block(blockIdx.x, (shape.length + queries - 1) / queries, shape.heads);
  const int first = block.tile * queries, valid = min(queries, shape.length - first);
  const int head = block.head * dimension, kv_head = block.head / shape.group * dimension;
  ic_float_load(q_tile, queries, ic_from(arguments.q, first, head), valid, dimension);
  ic_load_tree_rows(rows, arguments, first, queries);
  __syncthreads();

  const int warp_row = ic_warp() * IC_FLOAT_OWN;
  const ic_tree_row *warp_rows = rows + warp_row;
  float y[IC_FLOAT_OWN][COLUMNS] = {}, maximum[IC_FLOAT_OWN], total[IC_FLOAT_OWN] = {};
#pragma unroll
  for (int i = 0; i < IC_FLOAT_OWN; i++) maximum[i] = -INFINITY;
  const float slope = ic_attention_slope<ADJUSTED>(shape, block.head);
  for (ic_tree_keys keys(rows, valid); keys.any(); keys.advance(IC_FLOAT_TILE)) {
    const int count = min(IC_FLOAT_TILE, keys.end - keys.key), key = keys.key + ic_lane();
    const bool cached = keys.cached;
    __syncthreads();
    ic_float_load(
      k_tile, IC_FLOAT_TILE, ic_from(cached ? arguments.prefix_k : arguments.k, keys.key, kv_head), count, dimension);
    ic_float_load(
      v_tile, IC_FLOAT_TILE, ic_from(cached ? arguments.prefix_v : arguments.v, keys.key, kv_head), count, dimension);
    __syncthreads();
    const bool seen = warp_rows[ic_lane() % IC_FLOAT_OWN].sees_any(keys.key, count, cached);
    if (warp_row >= valid || !__any_sync(~0u, seen)) continue;
    float scores[IC_FLOAT_OWN];
    ic_float_dots(scores, q_tile + warp_row * pitch, k_tile, pitch);
#pragma unroll
    for (int i = 0; i < IC_FLOAT_OWN; i++) {
      const ic_tree_row &row = warp_rows[i];
      const float score = key < keys.end && row.sees(key, cached)
        ? ic_score<ADJUSTED>(shape, slope, scores[i], row.distance(key, cached)).value
        : -INFINITY;
      weights[i * IC_FLOAT_TILE + ic_lane()] = ic_float_weigh(score, maximum[i], total[i], y[i]);
    }
    __syncwarp();
    ic_float_combine(y, weights, v_tile, pitch, count);
    __syncwarp();
  }

  float factors[IC_FLOAT_OWN];
#pragma unroll
  for (int i = 0; i < IC_FLOAT_OWN; i++) factors[i] = 1 / total[i];
  ic_float_store(ic_from(arguments.y, first + warp_row, head), y, factors, valid - warp_row, dimension);
}
