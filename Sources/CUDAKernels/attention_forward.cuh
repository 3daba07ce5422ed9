// Causal attention on tensor cores: FlashAttention-2 (Dao 2023, arXiv 2307.08691). A block computes y of a tile of
// queries of one head; scores, probabilities and y never leave the registers of the warp that owns the rows.
//
// Keys and values have a tile of shared memory each. Values arrive while scores are computed, the next keys while
// values are summed up: twice the queries fit compared to two tiles of each, so that each tile is read half as often.
#pragma once

#include "attention_tile.cuh"

template <int WIDTH, int ROW_TILES, int KEYS> struct ic_forward_layout {
  static constexpr int WARPS = 4, THREADS = 32 * WARPS, QUERIES = 16 * ROW_TILES * WARPS;
  static constexpr int SHARED = (QUERIES + 2 * KEYS) * WIDTH * int(sizeof(bf16));
};

// A warp owns 16·ROW_TILES rows: what it reads of keys and values serves all of them.
template <int WIDTH, int ROW_TILES, int KEYS> struct ic_forward_warp {
  using tile = ic_tile<WIDTH>;

  // Of the lane's rows g and g + 8 in each 16. `maximum` of unscaled scores; `total` only of the lane's own columns.
  float y[ROW_TILES][WIDTH / 8][4], maximum[ROW_TILES][2], total[ROW_TILES][2];
  float scores[ROW_TILES][KEYS / 8][4];

  __device__ __forceinline__ ic_forward_warp() {
#pragma unroll
    for (int m = 0; m < ROW_TILES; m++) {
#pragma unroll
      for (int n = 0; n < WIDTH / 8; n++) y[m][n][0] = y[m][n][1] = y[m][n][2] = y[m][n][3] = 0;
      maximum[m][0] = maximum[m][1] = -INFINITY;
      total[m][0] = total[m][1] = 0;
    }
  }

  // scores = q·kᵀ
  __device__ __forceinline__ void score(bf16 *q, int row, bf16 *k) {
#pragma unroll
    for (int m = 0; m < ROW_TILES; m++) {
#pragma unroll
      for (int n = 0; n < KEYS / 8; n++) scores[m][n][0] = scores[m][n][1] = scores[m][n][2] = scores[m][n][3] = 0;
    }
#pragma unroll
    for (int d = 0; d < WIDTH / 16; d++) {
      uint32_t a[ROW_TILES][4], b[4];
#pragma unroll
      for (int m = 0; m < ROW_TILES; m++) tile::load_a(a[m], q, row + 16 * m, d);
#pragma unroll
      for (int n = 0; n < KEYS / 16; n++) {
        tile::load_b(b, k, 16 * n, d);
#pragma unroll
        for (int m = 0; m < ROW_TILES; m++) {
          ic_mma(scores[m][2 * n], a[m], b[0], b[1]);
          ic_mma(scores[m][2 * n + 1], a[m], b[2], b[3]);
        }
      }
    }
  }

  __device__ __forceinline__ void adjust(const ic_score_adjustment &adjustment, int position, int key) {
#pragma unroll
    for (int m = 0; m < ROW_TILES; m++) adjustment.template apply<false>(scores[m], position + 16 * m, key);
  }

  // −infinity where the query of a row does not see the key of a column. The warp's first row is at `position`.
  __device__ __forceinline__ void mask(int position, int key, int window) {
#pragma unroll
    for (int m = 0; m < ROW_TILES; m++) {
      const int first = position + 16 * m;
      if (key + KEYS - 1 > first || key <= first + 15 - window) ic_mask_scores<false>(scores[m], first, key, window);
    }
  }

  // The same where it is of an earlier document. The warp's first row is row `row` of its sequence.
  __device__ __forceinline__ void mask_documents(const ic_attention_sizes &shape, int64_t sequence, int row, int key) {
#pragma unroll
    for (int m = 0; m < ROW_TILES; m++) ic_mask_documents<false>(scores[m], shape, sequence, row + 16 * m, key);
  }

  // scores = e^(scale·(scores − maximum)), with maximum, total and y brought up to date.
  __device__ __forceinline__ void weigh(float scale_log2) {
#pragma unroll
    for (int m = 0; m < ROW_TILES; m++) {
#pragma unroll
      for (int half = 0; half < 2; half++) {
        float largest = maximum[m][half];
#pragma unroll
        for (int n = 0; n < KEYS / 8; n++) {
          largest = fmaxf(largest, fmaxf(scores[m][n][2 * half], scores[m][n][2 * half + 1]));
        }
        largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, 1));
        largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, 2));
        // A row that has seen no key yet stays at 0 rather than ∞ − ∞.
        const float origin = largest == -INFINITY ? 0 : largest * scale_log2;
        const float factor = ic_exp2(maximum[m][half] * scale_log2 - origin);
        maximum[m][half] = largest;
        float sum = 0;
#pragma unroll
        for (int n = 0; n < KEYS / 8; n++) {
#pragma unroll
          for (int i = 2 * half; i < 2 * half + 2; i++) {
            scores[m][n][i] = ic_exp2(scores[m][n][i] * scale_log2 - origin);
            sum += scores[m][n][i];
          }
        }
        total[m][half] = total[m][half] * factor + sum;
#pragma unroll
        for (int n = 0; n < WIDTH / 8; n++) {
          y[m][n][2 * half] *= factor;
          y[m][n][2 * half + 1] *= factor;
        }
      }
    }
  }

  // y += scores·v, columns before `dimension`. Of 16 keys of which 16 rows see none, not even a NaN reaches these rows.
  __device__ __forceinline__ void combine(int position, int key, bf16 *v, int dimension) {
#pragma unroll
    for (int step = 0; step < KEYS / 16; step++) {
      const int last = position - (key + 16 * step) + 15;
      if (last + 16 * (ROW_TILES - 1) < 0) break;
      uint32_t a[ROW_TILES][4], b[4];
#pragma unroll
      for (int m = 0; m < ROW_TILES; m++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
          const float *pair = &scores[m][2 * step + i / 2][i % 2 * 2];
          a[m][i] = ic_pair(pair[0], pair[1]);
        }
      }
#pragma unroll
      for (int n = 0; n < WIDTH / 16; n++) {
        tile::load_b_rows(b, v, 16 * step, n);
#pragma unroll
        for (int m = 0; m < ROW_TILES; m++) {
          if (last + 16 * m < 0) continue;
          ic_mma(y[m][2 * n], a[m], b[0], b[1]);
          if (n < WIDTH / 16 - 1 || dimension > WIDTH - 8) ic_mma(y[m][2 * n + 1], a[m], b[2], b[3]);
        }
      }
    }
  }
};

template <int WIDTH, int ROW_TILES, int KEYS, int BLOCKS, bool ADJUSTED>
__global__ void __launch_bounds__(128, BLOCKS) ic_attention_forward_kernel(ic_forward_arguments<bf16> arguments) {
  using layout = ic_forward_layout<WIDTH, ROW_TILES, KEYS>;
  using tile = ic_tile<WIDTH>;
  constexpr int THREADS = layout::THREADS, QUERIES = layout::QUERIES;
  IC_DYNAMIC_SHARED(bf16, shared);
  bf16 *q_tile = shared, *k_tile = q_tile + QUERIES * WIDTH, *v_tile = k_tile + KEYS * WIDTH;

  // The last tile sees the most keys and is begun first.
  const ic_attention_sizes &shape = arguments.shape;
  const int tiles = (shape.length + QUERIES - 1) / QUERIES;
  const ic_attention_block block(blockIdx.x, tiles, shape.heads);
  const int first = (tiles - 1 - block.tile) * QUERIES, valid = min(QUERIES, shape.length - first);
  const int position = ic_attention_position(arguments.scalars, shape) + first;
  const int keys_end = position + valid;
  const int document_start = ic_document_start<ADJUSTED>(shape, block.sequence, first);
  const int keys_begin = max(document_start, position - shape.window + 1) / KEYS * KEYS;

  const int64_t first_row = block.sequence * shape.length + first, first_key = block.sequence * shape.capacity;
  const int head = block.head * shape.dimension, kv_head = block.head / shape.group * shape.dimension;
  const ic_rows<const bf16> k = ic_from(arguments.k, first_key, kv_head);
  const ic_rows<const bf16> v = ic_from(arguments.v, first_key, kv_head);
  auto load_keys = [&](bf16 *to, const ic_rows<const bf16> &from, int key) {
    tile::template load<KEYS, THREADS>(
      to, ic_from(from, key, 0), keys_end - key, shape.dimension, arguments.load_bytes);
    ic_commit_copies();
  };

  tile::template clear_padding<THREADS>(shared, QUERIES + 2 * KEYS, shape.dimension);
  tile::template load<QUERIES, THREADS>(
    q_tile, ic_from(arguments.q, first_row, head), valid, shape.dimension, arguments.load_bytes);
  load_keys(k_tile, k, keys_begin);

  ic_forward_warp<WIDTH, ROW_TILES, KEYS> warp;
  const int warp_row = ic_warp() * 16 * ROW_TILES, warp_position = position + warp_row;
  // Adjusted scores are to base 2 already.
  const float scale_log2 = ADJUSTED ? 1 : shape.scale * IC_LOG2_E;
  const ic_score_adjustment adjustment(shape, ic_attention_slope<ADJUSTED>(shape, block.head));
  const int warp_start = ic_document_start<ADJUSTED>(shape, block.sequence, first + warp_row);
  for (int key = keys_begin; key < keys_end; key += KEYS) {
    ic_wait_for_copies<0>();
    __syncthreads();  // keys are here, and nobody reads values any more
    load_keys(v_tile, v, key);
    const bool seen = key <= warp_position + 16 * ROW_TILES - 1 && (!ADJUSTED || key + KEYS > warp_start);
    if (seen) warp.score(q_tile, warp_row, k_tile);
    ic_wait_for_copies<0>();
    __syncthreads();  // values are here, and nobody reads keys any more
    if (key + KEYS < keys_end) load_keys(k_tile, k, key + KEYS);
    if (!seen) continue;
    if (ADJUSTED) warp.adjust(adjustment, warp_position, key);
    warp.mask(warp_position, key, shape.window);
    if (ADJUSTED) warp.mask_documents(shape, block.sequence, first + warp_row, key);
    warp.weigh(scale_log2);
    warp.combine(warp_position, key, v_tile, shape.dimension);
  }

  // Through the warp's own rows of the queries' tile, so that whole rows are written.
#pragma unroll
  for (int m = 0; m < ROW_TILES; m++) {
    const int tile_row = warp_row + 16 * m;
#pragma unroll
    for (int half = 0; half < 2; half++) {
      float total = warp.total[m][half];
      total += __shfl_xor_sync(~0u, total, 1);
      total += __shfl_xor_sync(~0u, total, 2);
      const float reciprocal = 1 / total;
      const int row = tile_row + ic_lane() / 4 + 8 * half;
#pragma unroll
      for (int n = 0; n < WIDTH / 8; n++) {
        tile::store_pair(q_tile, row, n, warp.y[m][n][2 * half] * reciprocal, warp.y[m][n][2 * half + 1] * reciprocal);
      }
      if (arguments.log_sum_exp.base && ic_lane() % 4 == 0 && row < valid) {
        const float scale = ADJUSTED ? 1 / IC_LOG2_E : shape.scale;
        *arguments.log_sum_exp.at(first_row + row, block.head) = warp.maximum[m][half] * scale + logf(total);
      }
    }
    __syncwarp();
    tile::store_warp(
      ic_from(arguments.y, first_row, head), q_tile, tile_row, valid, 0, shape.dimension,
      arguments.store_bytes);
  }
}
