#include "matmul_plain.cuh"

namespace {

const int tile = 16;

__device__ float loaded(const float *p) { return *p; }
__device__ float loaded(const bf16 *p) { return __bfloat162float(*p); }
__device__ void store(float *p, float x) { *p = x; }
__device__ void store(bf16 *p, float x) { *p = __float2bfloat16_rn(x); }

// Rows of A and columns of B by their two strides: a transpose swaps them.
struct Operand {
  int64_t row, column;
};

// One element of c a thread; tiles of both operands pass through shared memory.
template <class In, class Out>
__global__ void product(
  Out *c, int64_t c_stride, const In *a, Operand a_strides, const In *b, Operand b_strides, const In *bias,
  int64_t rows, int64_t columns, int64_t inner, bool add) {
  __shared__ float a_tile[tile][tile + 1], b_tile[tile][tile + 1];
  int64_t row = int64_t(blockIdx.x) * tile + threadIdx.y, column = int64_t(blockIdx.y) * tile + threadIdx.x;
  float sum = 0;
  for (int64_t start = 0; start < inner; start += tile) {
    int64_t a_column = start + threadIdx.x, b_row = start + threadIdx.y;
    a_tile[threadIdx.y][threadIdx.x] =
      row < rows && a_column < inner ? loaded(a + row * a_strides.row + a_column * a_strides.column) : 0;
    b_tile[threadIdx.y][threadIdx.x] =
      b_row < inner && column < columns ? loaded(b + b_row * b_strides.row + column * b_strides.column) : 0;
    __syncthreads();
    for (int k = 0; k < tile; k += 1) sum += a_tile[threadIdx.y][k] * b_tile[k][threadIdx.x];
    __syncthreads();
  }
  if (row >= rows || column >= columns) return;
  Out *out = c + row * c_stride + column;
  if (bias) sum += loaded(bias + column);
  store(out, add ? loaded(out) + sum : sum);
}

template <class Out, class Bias>
__global__ void add_bias(Out *c, int64_t c_stride, const Bias *bias, int64_t rows, int64_t columns) {
  int64_t column = int64_t(blockIdx.y) * blockDim.x + threadIdx.x;
  if (column >= columns) return;
  float value = loaded(bias + column);
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    Out *out = c + row * c_stride + column;
    store(out, loaded(out) + value);
  }
}

}  // namespace

ic_status ic_matmul_plain(
  ic_context *context, ic_tensor c, ic_tensor a, ic_tensor b, int32_t transpose_a, int32_t transpose_b,
  ic_accumulation accumulate, ic_tensor bias) {
  Operand a_strides = transpose_a ? Operand{1, a.stride} : Operand{a.stride, 1};
  Operand b_strides = transpose_b ? Operand{1, b.stride} : Operand{b.stride, 1};
  int64_t inner = transpose_a ? a.rows : a.columns;
  dim3 grid(unsigned((c.rows + tile - 1) / tile), unsigned((c.columns + tile - 1) / tile));
  return ic_by_type(context, a.dtype, "matmul", [&](auto in) {
    return ic_by_type(context, c.dtype, "matmul", [&](auto out) {
      using In = decltype(in);
      using Out = decltype(out);
      auto kernel = product<In, Out>;
      IC_LAUNCH(
        kernel, grid, dim3(tile, tile), 0, context, ic_pointer<Out>(c), c.stride, ic_pointer<const In>(a), a_strides,
        ic_pointer<const In>(b), b_strides, ic_pointer<const In>(bias), c.rows, c.columns, inner,
        accumulate == IC_ADD);
      return ic_launched(context, "matmul");
    });
  });
}

ic_status ic_matmul_add_bias(ic_context *context, ic_tensor c, ic_tensor bias) {
  const int threads = 256;
  int64_t column_blocks = (c.columns + threads - 1) / threads;
  int64_t row_blocks = (8 * context->multiprocessors + column_blocks - 1) / column_blocks;
  dim3 grid(unsigned(row_blocks < c.rows ? row_blocks : c.rows), unsigned(column_blocks));
  return ic_by_type(context, c.dtype, "matmul", [&](auto out) {
    return ic_by_type(context, bias.dtype, "matmul", [&](auto value) {
      using Out = decltype(out);
      using Bias = decltype(value);
      auto kernel = add_bias<Out, Bias>;
      IC_LAUNCH(
        kernel, grid, dim3(threads), 0, context, ic_pointer<Out>(c), c.stride, ic_pointer<const Bias>(bias), c.rows,
        c.columns);
      return ic_launched(context, "matmul");
    });
  });
}
