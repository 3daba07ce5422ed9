// Reductions in a fixed order: the same bits in every run.
#pragma once

#include "platform.cuh"

constexpr unsigned ic_full_warp = 0xffffffffu;

__device__ __forceinline__ float ic_warp_sum(float value) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) value += __shfl_xor_sync(ic_full_warp, value, distance);
  return value;
}

// Sums Count values over the block; every thread gets them. The block is whole warps, all of whose threads call this.
template <int Count> __device__ __forceinline__ void ic_block_sum(float (&values)[Count]) {
  __shared__ float sums[Count][32];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
#pragma unroll
  for (int k = 0; k < Count; k++) values[k] = ic_warp_sum(values[k]);
  if (warps == 1) return;
  __syncthreads();  // the sums of the call before were read
  if (lane == 0) {
#pragma unroll
    for (int k = 0; k < Count; k++) sums[k][warp] = values[k];
  }
  __syncthreads();
#pragma unroll
  for (int k = 0; k < Count; k++) values[k] = ic_warp_sum(lane < warps ? sums[k][lane] : 0.0f);
}

__device__ __forceinline__ float ic_block_sum(float value) {
  float values[1] = {value};
  ic_block_sum(values);
  return values[0];
}
