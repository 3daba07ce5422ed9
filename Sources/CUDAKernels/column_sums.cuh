// Sums over the rows of a matrix, in two stages of fixed order: blocks of rows to partial sums in scratch memory, and
// the partial sums to what they are added to. No atomics: the same bits in every run.
#pragma once

#include "pack.cuh"
#include "reduce.cuh"

constexpr int ic_column_threads = 256;
constexpr int ic_column_warps = ic_column_threads / 32;

// MARK: First stage

// How the rows of a matrix are shared out.
struct ic_column_plan {
  int64_t tiles, chunks, rows_of_chunk;
};

inline ic_column_plan ic_plan_columns(const ic_context *context, int64_t rows, int64_t columns, int pack) {
  const int64_t tiles = ic_ceiling_divide(columns, 32 * pack);
  // Four blocks a multiprocessor, as long as each warp has eight rows to add.
  int64_t chunks = ic_ceiling_divide(4 * context->multiprocessors, tiles);
  const int64_t most = ic_ceiling_divide(rows, 8 * ic_column_warps);
  if (chunks > most) chunks = most;
  const int64_t rows_of_chunk = ic_ceiling_divide(rows, chunks);
  return {tiles, ic_ceiling_divide(rows, rows_of_chunk), rows_of_chunk};
}

// `terms(values, row, column)` gives Terms::count values for each of the N columns from `column` on. Sums of chunk i
// are at partials + i·count·columns: the first value's columns, then the second's.
template <int N, class Terms>
__global__ void __launch_bounds__(ic_column_threads)
  ic_column_sums_kernel(int64_t rows, int64_t columns, int64_t rows_of_chunk, float *partials, Terms terms) {
  constexpr int count = Terms::count;
  __shared__ float sums[ic_column_warps][count][N][32];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int64_t column = (static_cast<int64_t>(blockIdx.x) * 32 + lane) * N;
  float total[count][N] = {};
  if (column < columns) {
    const int64_t first = blockIdx.y * rows_of_chunk;
    const int64_t end = first + rows_of_chunk < rows ? first + rows_of_chunk : rows;
#pragma unroll 4
    for (int64_t row = first + warp; row < end; row += ic_column_warps) {
      float values[count][N];
      terms(values, row, column);
#pragma unroll
      for (int v = 0; v < count; v++) {
#pragma unroll
        for (int k = 0; k < N; k++) total[v][k] += values[v][k];
      }
    }
  }
#pragma unroll
  for (int v = 0; v < count; v++) {
#pragma unroll
    for (int k = 0; k < N; k++) sums[warp][v][k][lane] = total[v][k];
  }
  __syncthreads();
  for (int i = threadIdx.x; i < count * N * 32; i += ic_column_threads) {
    // Neighbouring threads have neighbouring columns, so that the partial sums are written in whole lines.
    const int v = i / (N * 32), offset = i % (N * 32);
    const int64_t c = static_cast<int64_t>(blockIdx.x) * 32 * N + offset;
    if (c >= columns) continue;
    float sum = 0;
    for (int w = 0; w < ic_column_warps; w++) sum += sums[w][v][offset % N][offset / N];
    partials[(blockIdx.y * count + v) * columns + c] = sum;
  }
}

template <int N, class Terms>
void ic_column_sums(
  ic_context *context, const ic_column_plan &plan, int64_t rows, int64_t columns, float *partials, Terms terms) {
  auto kernel = ic_column_sums_kernel<N, Terms>;
  const dim3 grid(static_cast<unsigned>(plan.tiles), static_cast<unsigned>(plan.chunks));
  IC_LAUNCH(kernel, grid, ic_column_threads, 0, context, rows, columns, plan.rows_of_chunk, partials, terms);
}

// MARK: Second stage

// Where sums go; NULL: nowhere.
struct ic_column_results {
  float *sums[2];
};

// sums[v][c] += Σᵢ partials[(i·gridDim.y + v)·columns + c], v = blockIdx.y: eight interleaved sums, then those.
template <class = void>
__global__ void __launch_bounds__(ic_column_threads)
  ic_add_partial_sums_kernel(ic_column_results results, const float *partials, int64_t count, int64_t columns) {
  __shared__ float sums[ic_column_warps][32];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int64_t column = static_cast<int64_t>(blockIdx.x) * 32 + lane;
  const int v = blockIdx.y;
  if (results.sums[v] == nullptr) return;
  float sum = 0;
  if (column < columns) {
#pragma unroll 8
    for (int64_t i = warp; i < count; i += ic_column_warps) sum += partials[(i * gridDim.y + v) * columns + column];
  }
  sums[warp][lane] = sum;
  __syncthreads();
  if (warp != 0 || column >= columns) return;
  sum = 0;
  for (int w = 0; w < ic_column_warps; w++) sum += sums[w][lane];
  results.sums[v][column] += sum;
}

// `values`: how many each column of a partial sum has, 1 or 2.
inline void ic_add_partial_sums(
  ic_context *context, ic_column_results results, int values, const float *partials, int64_t count, int64_t columns) {
  auto kernel = ic_add_partial_sums_kernel<>;
  const dim3 grid(static_cast<unsigned>(ic_ceiling_divide(columns, 32)), static_cast<unsigned>(values));
  IC_LAUNCH(kernel, grid, ic_column_threads, 0, context, results, partials, count, columns);
}
