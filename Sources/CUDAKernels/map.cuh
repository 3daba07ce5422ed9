// Kernels that compute each element from elements at its own place: one thread per pack of a row.
#pragma once

#include "pack.cuh"

#include <type_traits>

constexpr int ic_map_threads = 256;

// Calls body(row, column) for the first column of every pack of N columns. A block covers 2^shift packs of each of
// blockDim.x / 2^shift rows, so that short rows fill it as well.
template <int N, class Body>
__global__ void __launch_bounds__(ic_map_threads) ic_map_kernel(int64_t rows, int64_t columns, int shift, Body body) {
  const int width = 1 << shift;
  const int64_t column = ((static_cast<int64_t>(blockIdx.x) << shift) + (threadIdx.x & (width - 1))) * N;
  if (column >= columns) return;
  const int64_t rows_of_block = ic_map_threads >> shift;
  for (int64_t row = blockIdx.y * rows_of_block + (threadIdx.x >> shift); row < rows;
       row += gridDim.y * rows_of_block) {
    body(row, column);
  }
}

template <int N, class Body> void ic_map(ic_context *context, int64_t rows, int64_t columns, Body body) {
  const int64_t packs = ic_ceiling_divide(columns, N);
  if (rows <= 0 || packs <= 0) return;
  int shift = 0;
  while (shift < 8 && (int64_t(1) << shift) < packs) shift++;
  const int64_t row_blocks = ic_ceiling_divide(rows, ic_map_threads >> shift);
  const dim3 grid(
    static_cast<unsigned>(ic_ceiling_divide(packs, int64_t(1) << shift)),
    static_cast<unsigned>(row_blocks < 65535 ? row_blocks : 65535));
  auto kernel = ic_map_kernel<N, Body>;
  IC_LAUNCH(kernel, grid, ic_map_threads, 0, context, rows, columns, shift, body);
}

// Maps in packs of N where the operands consist of whole ones, and element by element where they do not. `make` gives
// the body for a size of pack, a std::integral_constant.
template <int N, class Make>
void ic_map_packs(
  ic_context *context, int64_t rows, int64_t columns, std::initializer_list<ic_tensor> operands, Make make) {
  if (ic_whole_packs(N, operands)) {
    ic_map<N>(context, rows, columns, make(std::integral_constant<int, N>()));
  } else {
    ic_map<1>(context, rows, columns, make(std::integral_constant<int, 1>()));
  }
}

// Rows that follow each other without gaps, in every operand, are one long row.
struct ic_map_shape {
  int64_t rows, columns;
};

inline ic_map_shape ic_joined_rows(std::initializer_list<ic_tensor> operands) {
  const ic_tensor first = *operands.begin();
  for (const ic_tensor &t : operands) {
    if (t.stride != t.columns) return {first.rows, first.columns};
  }
  return {1, first.rows * first.columns};
}
