// A matrix of pseudo-random numbers in the memory of the emulated device, which the processor reads as its own.
#pragma once

#include "../../Sources/CUDAKernels/host.cuh"

#include <math.h>
#include <vector>

class Matrix {
public:
  // It starts `shift` elements into its memory, and `gap` elements that nobody may touch are between its rows.
  Matrix(ic_context *context, int64_t rows, int64_t columns, ic_dtype dtype, int64_t shift, int64_t gap)
      : context(context), size(dtype == IC_FLOAT32 ? 4 : 2), gap(gap) {
    ic_allocate(context, uint64_t(rows * (columns + gap) + shift) * size, &memory);
    // `allocate` zeroes in the order of the stream; the processor does not wait for it by itself.
    ic_synchronize(context);
    tensor = {memory + uint64_t(shift) * size, rows, columns, columns + gap, dtype};
    static uint32_t state = 1;
    for (int64_t i = 0; i < rows; i += 1) {
      for (int64_t j = 0; j < columns + gap; j += 1) {
        state = state * 1664525 + 1013904223;
        set(i, j, j < columns ? float(int(state >> 20) - 2048) / 1024 : untouched);
      }
    }
    for (int64_t i = 0; i < rows; i += 1) {
      for (int64_t j = 0; j < columns; j += 1) values.push_back(get(i, j));
    }
  }
  ~Matrix() { ic_release(context, memory); }
  Matrix(const Matrix &) = delete;

  float get(int64_t i, int64_t j) const {
    int64_t index = i * tensor.stride + j;
    return tensor.dtype == IC_FLOAT32 ? ic_pointer<float>(tensor)[index] : float(ic_pointer<bf16>(tensor)[index]);
  }
  void set(int64_t i, int64_t j, float value) {
    int64_t index = i * tensor.stride + j;
    if (tensor.dtype == IC_FLOAT32) ic_pointer<float>(tensor)[index] = value;
    else ic_pointer<bf16>(tensor)[index] = value;
  }
  // What it held when it was made.
  float before(int64_t i, int64_t j) const { return values[size_t(i * tensor.columns + j)]; }

  bool differs() const {
    for (int64_t i = 0; i < tensor.rows; i += 1) {
      for (int64_t j = 0; j < tensor.columns; j += 1) {
        if (get(i, j) != before(i, j)) return true;
      }
    }
    return false;
  }
  bool gaps_were_written() const {
    for (int64_t i = 0; i < tensor.rows; i += 1) {
      for (int64_t j = tensor.columns; j < tensor.columns + gap; j += 1) {
        if (get(i, j) != untouched) return true;
      }
    }
    return false;
  }

  ic_tensor tensor;

private:
  static constexpr float untouched = 77;
  ic_context *context;
  size_t size;
  int64_t gap;
  uint64_t memory = 0;
  std::vector<float> values;
};
