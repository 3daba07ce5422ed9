// Look-up in an embedding table, and its gradient: the rows of dy are added to the rows of the table that they came
// from, in ascending order, without atomics.
#include "kernels.cuh"
#include "map.cuh"
#include "reduce.cuh"

namespace {

// MARK: Forward

template <class T, int N> struct gather_pack {
  ic_rows<T> y, table, positions;
  ic_rows<int32_t> indices;
  const ic_step_scalars *scalars;
  uint32_t length;
  float scale;

  __device__ void operator()(int64_t row, int64_t column) const {
    float values[N];
    ic_load(values, table.at(*indices.at(row, 0), column));
#pragma unroll
    for (int k = 0; k < N; k++) values[k] *= scale;
    if (positions.base) {
      float added[N];
      ic_load(added, positions.at(static_cast<uint32_t>(row) % length + scalars->position, column));
#pragma unroll
      for (int k = 0; k < N; k++) values[k] += added[k];
    }
    ic_store(y.at(row, column), values);
  }
};

// MARK: Sorting rows by index

// Rows that are sorted at once: sorting takes the square of their number, a scratch of their number.
constexpr int64_t most_rows = 32768;
constexpr int sort_threads = 256;
// The others that a row is compared with are shared out to this many blocks.
constexpr int sort_parts = 8;

// Row i comes after all rows of smaller indices and the rows of its own index before it. Part blockIdx.y of the
// count: ranks[blockIdx.y · rows + i].
__global__ void __launch_bounds__(sort_threads)
  rank_rows(ic_rows<int32_t> indices, int32_t rows, int32_t rows_of_part, int32_t *ranks) {
  __shared__ int32_t others[sort_threads];
  const int32_t row = blockIdx.x * sort_threads + threadIdx.x;
  const int32_t own = row < rows ? *indices.at(row, 0) : 0;
  const int32_t end = min((static_cast<int32_t>(blockIdx.y) + 1) * rows_of_part, rows);
  int32_t rank = 0;
  for (int32_t first = blockIdx.y * rows_of_part; first < end; first += sort_threads) {
    __syncthreads();
    if (first + static_cast<int32_t>(threadIdx.x) < end) others[threadIdx.x] = *indices.at(first + threadIdx.x, 0);
    __syncthreads();
    const int32_t count = min(sort_threads, end - first);
#pragma unroll 8
    for (int32_t k = 0; k < count; k++) rank += others[k] < own + (first + k < row ? 1 : 0) ? 1 : 0;
  }
  if (row < rows) ranks[static_cast<int64_t>(blockIdx.y) * rows + row] = rank;
}

struct sorted_rows {
  int32_t *indices, *rows;
};

__global__ void __launch_bounds__(sort_threads)
  place_rows(ic_rows<int32_t> indices, int32_t rows, const int32_t *ranks, sorted_rows sorted) {
  const int32_t row = blockIdx.x * sort_threads + threadIdx.x;
  if (row >= rows) return;
  int32_t rank = 0;
  for (int part = 0; part < sort_parts; part++) rank += ranks[static_cast<int64_t>(part) * rows + row];
  sorted.indices[rank] = *indices.at(row, 0);
  sorted.rows[rank] = row;
}

// MARK: Adding rows

// One warp for each first row of an index and each 32 packs of columns; the warps of the other rows have nothing to do.
constexpr int add_warps = 8;

template <class T, int N>
__global__ void __launch_bounds__(32 * add_warps)
  add_sorted_rows(
    ic_rows<float> d_table, ic_rows<T> dy, int64_t columns, int32_t rows, sorted_rows sorted, float scale) {
  const int lane = threadIdx.x % 32;
  const int32_t start = blockIdx.x * add_warps + threadIdx.x / 32;
  if (start >= rows) return;
  const int32_t index = sorted.indices[start];
  if (start > 0 && sorted.indices[start - 1] == index) return;
  const int64_t column = (static_cast<int64_t>(blockIdx.y) * 32 + lane) * N;
  const bool active = column < columns;
  float sum[N] = {};
  if (active) ic_load(sum, d_table.at(index, column));
  for (int32_t first = start;; first += 32) {
    // A warp reads 32 sorted rows at once, and then adds those of its index.
    const bool same = first + lane < rows && sorted.indices[first + lane] == index;
    const int32_t row = same ? sorted.rows[first + lane] : 0;
    const int count = __popc(__ballot_sync(ic_full_warp, same));
#pragma unroll 4
    for (int k = 0; k < count; k++) {
      const int32_t source = __shfl_sync(ic_full_warp, row, k);
      if (!active) continue;
      float values[N];
      ic_load(values, dy.at(source, column));
#pragma unroll
      for (int j = 0; j < N; j++) sum[j] += scale * values[j];
    }
    if (count < 32) break;
  }
  if (active) ic_store(d_table.at(index, column), sum);
}

// Rows of one position are `length` apart.
template <class T, int N> struct add_positions_pack {
  ic_rows<float> d_positions;
  ic_rows<T> dy;
  int64_t rows, length;

  __device__ void operator()(int64_t position, int64_t column) const {
    float sum[N];
    ic_load(sum, d_positions.at(position, column));
#pragma unroll 4
    for (int64_t row = position; row < rows; row += length) {
      float values[N];
      ic_load(values, dy.at(row, column));
#pragma unroll
      for (int k = 0; k < N; k++) sum[k] += values[k];
    }
    ic_store(d_positions.at(position, column), sum);
  }
};

// MARK: Launch

// Rows `first` and after, as a matrix of its own.
ic_tensor rows_from(ic_tensor t, int64_t first, int64_t rows) {
  t.address += static_cast<uint64_t>(first * t.stride * ic_element_size(t.dtype));
  t.rows = rows;
  return t;
}

template <class T, int N>
void add_chunk(
  ic_context *context, ic_tensor d_table, ic_tensor dy, ic_tensor indices, int32_t *scratch, float scale) {
  const auto rows = static_cast<int32_t>(dy.rows);
  int32_t *ranks = scratch;
  const sorted_rows sorted = {scratch + int64_t(sort_parts) * rows, scratch + int64_t(sort_parts + 1) * rows};
  const auto blocks = static_cast<unsigned>(ic_ceiling_divide(rows, sort_threads));
  IC_LAUNCH(
    rank_rows, dim3(blocks, sort_parts), sort_threads, 0, context, ic_rows_of<int32_t>(indices), rows,
    static_cast<int32_t>(ic_ceiling_divide(rows, sort_parts)), ranks);
  IC_LAUNCH(place_rows, blocks, sort_threads, 0, context, ic_rows_of<int32_t>(indices), rows, ranks, sorted);
  auto add = add_sorted_rows<T, N>;
  const dim3 grid(
    static_cast<unsigned>(ic_ceiling_divide(rows, add_warps)),
    static_cast<unsigned>(ic_ceiling_divide(dy.columns, 32 * N)));
  IC_LAUNCH(
    add, grid, 32 * add_warps, 0, context, ic_rows_of<float>(d_table), ic_rows_of<T>(dy), dy.columns, rows, sorted,
    scale);
}

template <class T, int N>
ic_status backward(
  ic_context *context, ic_tensor d_table, ic_tensor d_positions, ic_tensor dy, ic_tensor indices, int64_t length,
  float scale) {
  int32_t *scratch = nullptr;
  if (d_table.address) {
    const int64_t rows = dy.rows < most_rows ? dy.rows : most_rows;
    scratch = ic_scratch_array<int32_t>(context, (sort_parts + 2) * rows);
    if (!scratch) return IC_OUT_OF_MEMORY;
  }
  if (d_table.address) {
    for (int64_t first = 0; first < dy.rows; first += most_rows) {
      const int64_t rows = dy.rows - first < most_rows ? dy.rows - first : most_rows;
      add_chunk<T, N>(context, d_table, rows_from(dy, first, rows), rows_from(indices, first, rows), scratch, scale);
    }
  }
  if (d_positions.address) {
    const int64_t positions = length < dy.rows ? length : dy.rows;
    ic_map<N>(
      context, positions, dy.columns,
      add_positions_pack<T, N>{ic_rows_of<float>(d_positions), ic_rows_of<T>(dy), dy.rows, length});
  }
  return ic_launched(context, "gatherRowsBackward");
}

}  // namespace

ic_status ic_gather_rows(
  ic_context *context, ic_tensor y, ic_tensor indices, ic_tensor table, ic_tensor positions, int64_t length,
  float scale) {
  return ic_by_type(context, y.dtype, "gatherRows", [&](auto zero) {
    using T = decltype(zero);
    ic_map_packs<ic_pack_size<T>>(context, y.rows, y.columns, {y, table, positions}, [&](auto size) {
      return gather_pack<T, size>{
        ic_rows_of<T>(y), ic_rows_of<T>(table), ic_rows_of<T>(positions), ic_rows_of<int32_t>(indices),
        context->scalars, static_cast<uint32_t>(length), scale};
    });
    return ic_launched(context, "gatherRows");
  });
}

ic_status ic_gather_rows_backward(
  ic_context *context, ic_tensor d_table, ic_tensor d_positions, ic_tensor dy, ic_tensor indices, int64_t length,
  float scale) {
  if (dy.rows <= 0 || dy.columns <= 0) return IC_OK;
  return ic_by_type(context, dy.dtype, "gatherRowsBackward", [&](auto zero) {
    using T = decltype(zero);
    // Four columns: what a thread adds to is float32.
    constexpr int N = 4;
    return ic_whole_packs(N, {d_table, d_positions, dy})
      ? backward<T, N>(context, d_table, d_positions, dy, indices, length, scale)
      : backward<T, 1>(context, d_table, d_positions, dy, indices, length, scale);
  });
}
