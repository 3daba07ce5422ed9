// The twin of matmul_cublaslt.cu: matrix products as plain loops, accumulated in double. Small ones are left to
// matmul_plain.cu, which does on the device what cuBLASLt has no algorithm for, so that it is run as well.
#include "../kernels.cuh"
#include "../matmul_plain.cuh"
#include "machine.h"

#include <stdio.h>
#include <vector>

namespace {

float element(ic_tensor tensor, int64_t row, int64_t column) {
  const int64_t index = row * tensor.stride + column;
  return tensor.dtype == IC_BFLOAT16 ? float(ic_pointer<bf16>(tensor)[index]) : ic_pointer<float>(tensor)[index];
}

// op(tensor) as contiguous rows.
std::vector<float> rows_of(ic_tensor tensor, bool transpose) {
  std::vector<float> values(size_t(tensor.rows * tensor.columns));
  for (int64_t i = 0; i < tensor.rows; i++) {
    for (int64_t j = 0; j < tensor.columns; j++) {
      values[size_t(transpose ? j * tensor.rows + i : i * tensor.columns + j)] = element(tensor, i, j);
    }
  }
  return values;
}

void multiply(
  ic_tensor c, ic_tensor a, ic_tensor b, bool transpose_a, bool transpose_b, ic_accumulation accumulate,
  ic_tensor bias) {
  const std::vector<float> left = rows_of(a, transpose_a), right = rows_of(b, transpose_b);
  const int64_t inner = transpose_a ? a.rows : a.columns;
  std::vector<double> sums(size_t(c.columns));
  for (int64_t i = 0; i < c.rows; i++) {
    for (int64_t j = 0; j < c.columns; j++) {
      sums[size_t(j)] = (bias.address ? element(bias, 0, j) : 0) + (accumulate == IC_ADD ? element(c, i, j) : 0);
    }
    for (int64_t k = 0; k < inner; k++) {
      const double factor = left[size_t(i * inner + k)];
      const float *row = right.data() + k * c.columns;
      for (int64_t j = 0; j < c.columns; j++) sums[size_t(j)] += factor * row[j];
    }
    for (int64_t j = 0; j < c.columns; j++) {
      if (c.dtype == IC_BFLOAT16) ic_pointer<bf16>(c)[i * c.stride + j] = float(sums[size_t(j)]);
      else ic_pointer<float>(c)[i * c.stride + j] = float(sums[size_t(j)]);
    }
  }
}

}  // namespace

ic_status ic_matmul(
  ic_context *context, ic_tensor c, ic_tensor a, ic_tensor b, int32_t transpose_a, int32_t transpose_b,
  ic_accumulation accumulate, ic_tensor bias) {
  if (context->preparing) return IC_OK;
  const int64_t inner = transpose_a ? a.rows : a.columns;
  if (c.rows * c.columns * inner <= 1 << 15) {
    return ic_matmul_plain(context, c, a, b, transpose_a, transpose_b, accumulate, bias);
  }
  emulation::submit_kernel("matmul", context->stream, [=] {
    multiply(c, a, b, transpose_a != 0, transpose_b != 0, accumulate, bias);
  });
  return ic_launched(context, "matmul");
}

ic_status ic_matmul_engine_create(ic_context *, const ic_context_options *) { return IC_OK; }
void ic_matmul_engine_destroy(ic_context *) {}
void ic_matmul_engine_describe(ic_context *, char *words, size_t capacity) {
  snprintf(words, capacity, "plain loops on the processor");
}
