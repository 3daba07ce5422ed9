// The gradients of causal attention on tensor cores, bit for bit the same each time: no sum is taken by several blocks.
// One kernel owns tiles of keys and goes over the queries for dk and dv, one owns tiles of queries and goes over the
// keys for dq. Both compute the probabilities and their gradients anew, which is 7 products of matrices where atomic
// additions to dq would need 5 (Dao 2023, arXiv 2307.08691, algorithm 2).
//
//   p = e^(s(scale·q·k) − log_sum_exp)   dp = dy·v   ds = p·(dp − delta)·s′(scale·q·k)
//   dv = Σ p·dy   dk = scale·Σ ds·q   dq = scale·Σ ds·k
// where s is the identity, or what ADJUSTED kernels do to a score.
#pragma once

#include "attention_tile.cuh"
#include "reduce.cuh"

// What both kernels need first: delta = dy·y of each row and head, and the log-sum-exps, both with the rows of a head
// next to each other. One warp for each row and head; SIZE elements are read at once.
template <class T, int SIZE>
__global__ void ic_attention_delta_kernel(ic_backward_arguments<T> arguments, int64_t rows) {
  const ic_attention_sizes &shape = arguments.shape;
  const int64_t index = (int64_t(blockIdx.x) * blockDim.x + threadIdx.x) / 32;
  if (index >= rows * shape.heads) return;
  const int64_t row = index / shape.heads;
  const int head = int(index % shape.heads);
  float delta = 0;
  for (int d = ic_lane() * SIZE; d < shape.dimension; d += 32 * SIZE) {
    float dy[SIZE], y[SIZE];
    ic_load(dy, arguments.dy.at(row, head * shape.dimension + d));
    ic_load(y, arguments.y.at(row, head * shape.dimension + d));
#pragma unroll
    for (int e = 0; e < SIZE; e++) delta += dy[e] * y[e];
  }
  delta = ic_warp_sum(delta);
  if (ic_lane() == 0) {
    arguments.delta[head * rows + row] = delta;
    arguments.scaled_log_sum_exp[head * rows + row] =
      *arguments.log_sum_exp.at(row, head) * arguments.log_sum_exp_factor;
  }
}

// c [16, 16·STEPS] = a·bᵀ: rows of `a` from `row`, rows of `b` from 0; both WIDTH wide.
template <int WIDTH, int STEPS>
__device__ __forceinline__ void ic_multiply_rows(float (&c)[2 * STEPS][4], bf16 *a_tile, int row, bf16 *b_tile) {
#pragma unroll
  for (int n = 0; n < 2 * STEPS; n++) c[n][0] = c[n][1] = c[n][2] = c[n][3] = 0;
#pragma unroll
  for (int d = 0; d < WIDTH / 16; d++) {
    uint32_t a[4], b[4];
    ic_tile<WIDTH>::load_a(a, a_tile, row, d);
#pragma unroll
    for (int n = 0; n < STEPS; n++) {
      ic_tile<WIDTH>::load_b(b, b_tile, 16 * n, d);
      ic_mma(c[2 * n], a, b[0], b[1]);
      ic_mma(c[2 * n + 1], a, b[2], b[3]);
    }
  }
}
// The same with `a` in registers.
template <int WIDTH, int STEPS>
__device__ __forceinline__ void ic_multiply_rows(
  float (&c)[2 * STEPS][4], const uint32_t (&a)[WIDTH / 16][4], bf16 *b_tile) {
#pragma unroll
  for (int n = 0; n < 2 * STEPS; n++) c[n][0] = c[n][1] = c[n][2] = c[n][3] = 0;
#pragma unroll
  for (int d = 0; d < WIDTH / 16; d++) {
    uint32_t b[4];
#pragma unroll
    for (int n = 0; n < STEPS; n++) {
      ic_tile<WIDTH>::load_b(b, b_tile, 16 * n, d);
      ic_mma(c[2 * n], a[d], b[0], b[1]);
      ic_mma(c[2 * n + 1], a[d], b[2], b[3]);
    }
  }
}

// c [16, 8·TILES] += a·b for 16 rows of b, from `row`, and those columns 16·first_step … that are before `dimension`.
template <int WIDTH, int TILES>
__device__ __forceinline__ void ic_accumulate_rows(
  float (&c)[TILES][4], const uint32_t (&a)[4], bf16 *b_tile, int row, int first_step,
  int dimension) {
#pragma unroll
  for (int n = 0; n < TILES / 2; n++) {
    uint32_t b[4];
    ic_tile<WIDTH>::load_b_rows(b, b_tile, row, first_step + n);
    ic_mma(c[2 * n], a, b[0], b[1]);
    if (n < TILES / 2 - 1 || dimension > 16 * first_step + 8 * (TILES - 1)) ic_mma(c[2 * n + 1], a, b[2], b[3]);
  }
}

// Columns 16·step … of a C, as an A.
template <int TILES>
__device__ __forceinline__ void ic_as_operand(uint32_t (&a)[4], const float (&c)[TILES][4], int step) {
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const float *pair = &c[2 * step + i / 2][i % 2 * 2];
    a[i] = ic_pair(pair[0], pair[1]);
  }
}

// Keys and values of a block stay; queries and dy come by in two stages of shared memory. OUTPUT is the number of
// columns of dk and dv that a block computes: all of them, but for heads so wide that they would not fit in the
// registers.
template <int WIDTH, int OUTPUT, int WARPS, int QUERIES> struct ic_backward_keys_layout {
  static constexpr int THREADS = 32 * WARPS, KEYS = 16 * WARPS, PARTS = WIDTH / OUTPUT, STAGE = 2 * QUERIES * WIDTH;
  static constexpr int SHARED =
    (2 * KEYS * WIDTH + 2 * STAGE) * int(sizeof(bf16)) + 4 * QUERIES * int(sizeof(float));
};

template <int WIDTH, int OUTPUT, int WARPS, int QUERIES, int BLOCKS, bool ADJUSTED>
__global__ void __launch_bounds__(32 * WARPS, BLOCKS)
  ic_attention_backward_keys_kernel(ic_backward_arguments<bf16> arguments) {
  using layout = ic_backward_keys_layout<WIDTH, OUTPUT, WARPS, QUERIES>;
  using tile = ic_tile<WIDTH>;
  constexpr int THREADS = layout::THREADS, KEYS = layout::KEYS;
  IC_DYNAMIC_SHARED(bf16, shared);
  bf16 *k_tile = shared, *v_tile = k_tile + KEYS * WIDTH, *stages = v_tile + KEYS * WIDTH;
  float *statistics = reinterpret_cast<float *>(stages + 2 * layout::STAGE);

  // The first tile is seen by the most queries and is begun first.
  const ic_attention_sizes &shape = arguments.shape;
  const int length = shape.length, dimension = shape.dimension, load_bytes = arguments.load_bytes;
  const int part = int(blockIdx.x % layout::PARTS);
  const ic_attention_block block(
    blockIdx.x / layout::PARTS, (length + KEYS - 1) / KEYS, shape.heads / shape.group);
  const int first = block.tile * KEYS, valid = min(KEYS, length - first);
  const int queries_begin = first / QUERIES * QUERIES;
  const int64_t sequence_row = block.sequence * length, rows = shape.sequences * length;

  auto load_queries = [&](int head, int query, int stage_index) {
    const int64_t row = sequence_row + query;
    bf16 *stage = stages + stage_index * layout::STAGE;
    tile::template load<QUERIES, THREADS>(
      stage, ic_from(arguments.q, row, head * dimension), length - query, dimension, load_bytes);
    tile::template load<QUERIES, THREADS>(
      stage + QUERIES * WIDTH, ic_from(arguments.dy, row, head * dimension), length - query,
      dimension, load_bytes);
    if (threadIdx.x < 2 * QUERIES) {
      const int i = threadIdx.x % QUERIES;
      const bool inside = query + i < length;
      const float *source = threadIdx.x < QUERIES ? arguments.scaled_log_sum_exp : arguments.delta;
      ic_copy_async<4>(
        statistics + stage_index * 2 * QUERIES + threadIdx.x, source + head * rows + row + (inside ? i : 0), inside);
    }
    ic_commit_copies();
  };

  tile::template clear_padding<THREADS>(shared, 2 * KEYS + 4 * QUERIES, dimension);
  const int64_t key_row = sequence_row + first;
  tile::template load<KEYS, THREADS>(
    k_tile, ic_from(arguments.k, key_row, block.head * dimension), valid, dimension, load_bytes);
  tile::template load<KEYS, THREADS>(
    v_tile, ic_from(arguments.v, key_row, block.head * dimension), valid, dimension, load_bytes);
  int head = block.head * shape.group, query = queries_begin, stage = 0;
  load_queries(head, query, stage);
  // While that arrives.
  const int last = first + valid - 1;
  const int queries_end =
    min(ADJUSTED ? ic_document_end(shape, block.sequence, last) : length, last + shape.window);

  float dk[OUTPUT / 8][4], dv[OUTPUT / 8][4];
#pragma unroll
  for (int n = 0; n < OUTPUT / 8; n++) {
#pragma unroll
    for (int i = 0; i < 4; i++) dk[n][i] = dv[n][i] = 0;
  }
  const int warp_row = ic_warp() * 16, warp_key = first + warp_row;
  // Adjusted scores are to base 2 already.
  const float scale_log2 = ADJUSTED ? 1 : shape.scale * IC_LOG2_E;
  for (int next_head = head, next_query; next_head < (block.head + 1) * shape.group;
       head = next_head, query = next_query, stage ^= 1) {
    ic_wait_for_copies<0>();
    __syncthreads();  // this stage is here, and nobody reads the other one any more
    next_query = query + QUERIES;
    if (next_query >= queries_end) next_query = queries_begin, next_head++;
    if (next_head < (block.head + 1) * shape.group) load_queries(next_head, next_query, stage ^ 1);
    if (query + QUERIES - 1 < warp_key || query >= warp_key + 15 + shape.window) continue;
    if (ADJUSTED && ic_document_start<ADJUSTED>(shape, block.sequence, query) > warp_key + 15) continue;
    bf16 *q_tile = stages + stage * layout::STAGE, *dy_tile = q_tile + QUERIES * WIDTH;
    const float *log_sum_exp = statistics + stage * 2 * QUERIES, *delta = log_sum_exp + QUERIES;

    // Transposed: rows are keys, columns are queries.
    float p[QUERIES / 8][4], ds[QUERIES / 8][4];
    ic_multiply_rows<WIDTH, QUERIES / 16>(p, k_tile, warp_row, q_tile);
    ic_multiply_rows<WIDTH, QUERIES / 16>(ds, v_tile, warp_row, dy_tile);
    if constexpr (ADJUSTED) {
#pragma unroll
      for (int n = 0; n < QUERIES / 8; n++) {
#pragma unroll
        for (int i = 0; i < 4; i++) ds[n][i] -= delta[8 * n + ic_lane() % 4 * 2 + i % 2];
      }
      const ic_score_adjustment adjustment(shape, ic_attention_slope<ADJUSTED>(shape, head));
      adjustment.template apply<true>(p, ds, query, warp_key);
    }
    if (query < warp_key + 15 || query + QUERIES - 1 >= warp_key + shape.window) {
      ic_mask_scores<true>(p, query, warp_key, shape.window);
    }
    if constexpr (ADJUSTED) ic_mask_documents<true>(p, shape, block.sequence, query, warp_key);
#pragma unroll
    for (int n = 0; n < QUERIES / 8; n++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int column = 8 * n + ic_lane() % 4 * 2 + i % 2;
        p[n][i] = ic_exp2(p[n][i] * scale_log2 - log_sum_exp[column]);
        ds[n][i] = p[n][i] * (ADJUSTED ? ds[n][i] : ds[n][i] - delta[column]);
      }
    }
#pragma unroll
    for (int step = 0; step < QUERIES / 16; step++) {
      uint32_t a[4];
      ic_as_operand(a, p, step);
      ic_accumulate_rows<WIDTH>(dv, a, dy_tile, 16 * step, part * OUTPUT / 16, dimension);
      ic_as_operand(a, ds, step);
      ic_accumulate_rows<WIDTH>(dk, a, q_tile, 16 * step, part * OUTPUT / 16, dimension);
    }
  }

  // Through the warp's own rows of keys and values.
  const int begin = part * OUTPUT, end = min(begin + OUTPUT, dimension);
#pragma unroll
  for (int n = 0; n < OUTPUT / 8; n++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int row = warp_row + ic_lane() / 4 + 8 * half, unit = begin / 8 + n;
      tile::store_pair(k_tile, row, unit, dk[n][2 * half] * shape.scale, dk[n][2 * half + 1] * shape.scale);
      tile::store_pair(v_tile, row, unit, dv[n][2 * half], dv[n][2 * half + 1]);
    }
  }
  __syncwarp();
  tile::store_warp(
    ic_from(arguments.dk, key_row, block.head * dimension), k_tile, warp_row, valid, begin, end,
    arguments.store_bytes);
  tile::store_warp(
    ic_from(arguments.dv, key_row, block.head * dimension), v_tile, warp_row, valid, begin, end,
    arguments.store_bytes);
}

// Queries and dy of a block stay, in registers unless heads are too wide for that (IN_REGISTERS); keys and values come
// by in two stages of shared memory.
template <int WIDTH, int WARPS, int KEYS, bool IN_REGISTERS> struct ic_backward_queries_layout {
  static constexpr int THREADS = 32 * WARPS, QUERIES = 16 * WARPS, STAGE = 2 * KEYS * WIDTH;
  // Where they stay in registers, queries and dy pass through the memory of the stages.
  static_assert(!IN_REGISTERS || QUERIES <= 2 * KEYS, "queries fit in a stage");
  static constexpr int ROWS = 4 * KEYS + (IN_REGISTERS ? 0 : 2 * QUERIES);
  static constexpr int SHARED = ROWS * WIDTH * int(sizeof(bf16));
};

template <int WIDTH, int WARPS, int KEYS, bool IN_REGISTERS, int BLOCKS, bool ADJUSTED>
__global__ void __launch_bounds__(32 * WARPS, BLOCKS)
  ic_attention_backward_queries_kernel(ic_backward_arguments<bf16> arguments) {
  using layout = ic_backward_queries_layout<WIDTH, WARPS, KEYS, IN_REGISTERS>;
  using tile = ic_tile<WIDTH>;
  constexpr int THREADS = layout::THREADS, QUERIES = layout::QUERIES;
  IC_DYNAMIC_SHARED(bf16, shared);
  bf16 *q_tile = shared, *dy_tile = q_tile + QUERIES * WIDTH;
  bf16 *stages = IN_REGISTERS ? shared : dy_tile + QUERIES * WIDTH;

  // The last tile sees the most keys and is begun first.
  const ic_attention_sizes &shape = arguments.shape;
  const int length = shape.length, dimension = shape.dimension, load_bytes = arguments.load_bytes;
  const int tiles = (length + QUERIES - 1) / QUERIES;
  const ic_attention_block block(blockIdx.x, tiles, shape.heads);
  const int first = (tiles - 1 - block.tile) * QUERIES, valid = min(QUERIES, length - first);
  const int document_start = ic_document_start<ADJUSTED>(shape, block.sequence, first);
  const int keys_end = first + valid, keys_begin = max(document_start, first - shape.window + 1) / KEYS * KEYS;
  const int64_t sequence_row = block.sequence * length, first_row = sequence_row + first;
  const int head = block.head * dimension, kv_head = block.head / shape.group * dimension;

  auto load_keys = [&](int key, bf16 *stage) {
    tile::template load<KEYS, THREADS>(
      stage, ic_from(arguments.k, sequence_row + key, kv_head), keys_end - key, dimension,
      load_bytes);
    tile::template load<KEYS, THREADS>(
      stage + KEYS * WIDTH, ic_from(arguments.v, sequence_row + key, kv_head), keys_end - key,
      dimension, load_bytes);
    ic_commit_copies();
  };

  tile::template clear_padding<THREADS>(shared, layout::ROWS, dimension);
  tile::template load<QUERIES, THREADS>(
    q_tile, ic_from(arguments.q, first_row, head), valid, dimension, load_bytes);
  tile::template load<QUERIES, THREADS>(
    dy_tile, ic_from(arguments.dy, first_row, head), valid, dimension, load_bytes);
  ic_commit_copies();
  const int warp_row = ic_warp() * 16, warp_query = first + warp_row;
  uint32_t q[IN_REGISTERS ? WIDTH / 16 : 1][4], dy[IN_REGISTERS ? WIDTH / 16 : 1][4];
  if constexpr (IN_REGISTERS) {
    ic_wait_for_copies<0>();
    __syncthreads();
#pragma unroll
    for (int d = 0; d < WIDTH / 16; d++) {
      tile::load_a(q[d], q_tile, warp_row, d);
      tile::load_a(dy[d], dy_tile, warp_row, d);
    }
    __syncthreads();
  }
  load_keys(keys_begin, stages);

  // Of the lane's rows g and g + 8.
  float log_sum_exp[2], delta[2], dq[WIDTH / 8][4];
#pragma unroll
  for (int half = 0; half < 2; half++) {
    const int row = warp_row + ic_lane() / 4 + 8 * half;
    const int64_t index = block.head * (shape.sequences * length) + first_row + row;
    log_sum_exp[half] = row < valid ? arguments.scaled_log_sum_exp[index] : 0;
    delta[half] = row < valid ? arguments.delta[index] : 0;
  }
#pragma unroll
  for (int n = 0; n < WIDTH / 8; n++) dq[n][0] = dq[n][1] = dq[n][2] = dq[n][3] = 0;

  // Adjusted scores are to base 2 already.
  const float scale_log2 = ADJUSTED ? 1 : shape.scale * IC_LOG2_E;
  const ic_score_adjustment adjustment(shape, ic_attention_slope<ADJUSTED>(shape, block.head));
  const int warp_start = ic_document_start<ADJUSTED>(shape, block.sequence, warp_query);
  bool odd = false;
  for (int key = keys_begin; key < keys_end; key += KEYS, odd = !odd) {
    ic_wait_for_copies<0>();
    __syncthreads();  // this stage is here, and nobody reads the other one any more
    if (key + KEYS < keys_end) load_keys(key + KEYS, stages + !odd * layout::STAGE);
    if (key > warp_query + 15 || key + KEYS - 1 <= warp_query - shape.window) continue;
    if (ADJUSTED && key + KEYS <= warp_start) continue;
    bf16 *k_tile = stages + odd * layout::STAGE, *v_tile = k_tile + KEYS * WIDTH;

    float p[KEYS / 8][4], ds[KEYS / 8][4];
    if constexpr (IN_REGISTERS) {
      ic_multiply_rows<WIDTH, KEYS / 16>(p, q, k_tile);
      ic_multiply_rows<WIDTH, KEYS / 16>(ds, dy, v_tile);
    } else {
      ic_multiply_rows<WIDTH, KEYS / 16>(p, q_tile, warp_row, k_tile);
      ic_multiply_rows<WIDTH, KEYS / 16>(ds, dy_tile, warp_row, v_tile);
    }
    if constexpr (ADJUSTED) {
#pragma unroll
      for (int n = 0; n < KEYS / 8; n++) {
#pragma unroll
        for (int i = 0; i < 4; i++) ds[n][i] -= delta[i / 2];
      }
      adjustment.template apply<false>(p, ds, warp_query, key);
    }
    if (key + KEYS - 1 > warp_query || key <= warp_query + 15 - shape.window) {
      ic_mask_scores<false>(p, warp_query, key, shape.window);
    }
    if constexpr (ADJUSTED) ic_mask_documents<false>(p, shape, block.sequence, warp_query, key);
#pragma unroll
    for (int n = 0; n < KEYS / 8; n++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const float weight = ic_exp2(p[n][i] * scale_log2 - log_sum_exp[i / 2]);
        ds[n][i] = weight * (ADJUSTED ? ds[n][i] : ds[n][i] - delta[i / 2]);
      }
    }
    // Of 16 keys of which these rows see none, not even a NaN reaches them.
#pragma unroll
    for (int step = 0; step < KEYS / 16; step++) {
      if (key + 16 * step > warp_query + 15) break;
      uint32_t a[4];
      ic_as_operand(a, ds, step);
      ic_accumulate_rows<WIDTH>(dq, a, k_tile, 16 * step, 0, dimension);
    }
  }

  if constexpr (IN_REGISTERS) __syncthreads();  // the stages become the tile of dq
#pragma unroll
  for (int n = 0; n < WIDTH / 8; n++) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      tile::store_pair(
        q_tile, warp_row + ic_lane() / 4 + 8 * half, n, dq[n][2 * half] * shape.scale,
        dq[n][2 * half + 1] * shape.scale);
    }
  }
  __syncwarp();
  tile::store_warp(
    ic_from(arguments.dq, first_row, head), q_tile, warp_row, valid, 0, dimension,
    arguments.store_bytes);
}
