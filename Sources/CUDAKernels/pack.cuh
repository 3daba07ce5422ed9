// Elements of rows in packs: what one thread reads or writes in one access of up to 16 bytes.
#pragma once

#include "context.cuh"

#include <initializer_list>

// Elements of a 16-byte access.
template <class T> constexpr int ic_pack_size = 16 / static_cast<int>(sizeof(T));

// N is a power of two. A pack of more than 16 bytes is several accesses.
template <class T, int N> struct alignas(N * sizeof(T) < 16 ? N * sizeof(T) : 16) ic_pack {
  T elements[N];
};

__device__ __forceinline__ float ic_float(float element) { return element; }
__device__ __forceinline__ float ic_float(bf16 element) { return __bfloat162float(element); }

template <class T> __device__ __forceinline__ T ic_element(float value);
template <> __device__ __forceinline__ float ic_element<float>(float value) { return value; }
// Rounds to nearest even.
template <> __device__ __forceinline__ bf16 ic_element<bf16>(float value) { return __float2bfloat16_rn(value); }

template <int N, class T> __device__ __forceinline__ ic_pack<T, N> ic_load_pack(const T *address) {
  return *reinterpret_cast<const ic_pack<T, N> *>(address);
}

template <class T, int N> __device__ __forceinline__ void ic_unpack(float (&values)[N], const ic_pack<T, N> &pack) {
#pragma unroll
  for (int k = 0; k < N; k++) values[k] = ic_float(pack.elements[k]);
}

template <int N, class T> __device__ __forceinline__ void ic_load(float (&values)[N], const T *address) {
  ic_unpack(values, ic_load_pack<N>(address));
}

template <int N, class T> __device__ __forceinline__ void ic_store(T *address, const float (&values)[N]) {
  ic_pack<T, N> pack;
#pragma unroll
  for (int k = 0; k < N; k++) pack.elements[k] = ic_element<T>(values[k]);
  *reinterpret_cast<ic_pack<T, N> *>(address) = pack;
}

// A matrix as kernels see it. base NULL: absent.
template <class T> struct ic_rows {
  T *base;
  int64_t stride;

  __device__ __forceinline__ T *at(int64_t row, int64_t column) const { return base + row * stride + column; }
};

template <class T> ic_rows<T> ic_rows_of(ic_tensor tensor) { return {ic_pointer<T>(tensor), tensor.stride}; }

inline int64_t ic_element_size(ic_dtype dtype) { return dtype == IC_BFLOAT16 ? 2 : 4; }

inline int64_t ic_ceiling_divide(int64_t count, int64_t size) { return (count + size - 1) / size; }

// Scratch memory for `count` elements; see `ic_scratch`.
template <class T> T *ic_scratch_array(ic_context *context, int64_t count) {
  return static_cast<T *>(ic_scratch(context, static_cast<size_t>(count) * sizeof(T)));
}

// Whether every row of each tensor that is present starts where a pack of `size` elements may, and consists of whole
// packs. Vectors (one row) need no stride.
inline bool ic_whole_packs(int size, std::initializer_list<ic_tensor> tensors) {
  for (const ic_tensor &t : tensors) {
    if (t.address == 0) continue;
    const int64_t bytes = size * ic_element_size(t.dtype), access = bytes < 16 ? bytes : 16;
    if (t.columns % size != 0 || t.address % static_cast<uint64_t>(access) != 0) return false;
    if (t.rows > 1 && t.stride * ic_element_size(t.dtype) % access != 0) return false;
  }
  return true;
}
