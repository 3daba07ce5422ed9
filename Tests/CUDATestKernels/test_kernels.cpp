#include "include/test_kernels.h"
#include "../../Sources/CUDAKernels/platform.cuh"

#include <functional>
#include <map>
#include <stdio.h>
#include <string>

// MARK: What is right

__global__ void write_indices(float *y) {
  const int thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  const int block = blockIdx.y * gridDim.x + blockIdx.x;
  y[block * 32 + thread] = float(1000 * block + 100 * threadIdx.z + 10 * threadIdx.y + threadIdx.x);
}

__global__ void reverse(float *y) {
  IC_DYNAMIC_SHARED(float, shared);
  shared[threadIdx.x] = float(threadIdx.x);
  __syncthreads();
  y[threadIdx.x] = shared[blockDim.x - 1 - threadIdx.x];
}

// Each lane's own number through each kind of shuffle, in sections of 8 and in the whole warp.
__global__ void shuffle(float *y) {
  const float lane = float(threadIdx.x);
  y[threadIdx.x] = __shfl_sync(~0u, lane, 5);
  y[32 + threadIdx.x] = __shfl_xor_sync(~0u, lane, 3);
  y[64 + threadIdx.x] = __shfl_down_sync(~0u, lane, 2);
  y[96 + threadIdx.x] = __shfl_up_sync(~0u, lane, 2);
  y[128 + threadIdx.x] = __shfl_sync(~0u, lane, 5, 8);
  y[160 + threadIdx.x] = __shfl_down_sync(~0u, lane, 2, 8);
  y[192 + threadIdx.x] = __shfl_up_sync(~0u, lane, 2, 8);
  // The halves of the warp apart, one of them twice.
  float value = lane;
  if (threadIdx.x < 16) {
    value = __shfl_sync(0xffffu, value, 1);
    value = __shfl_sync(0xffffu, value + 1, 3);
  } else {
    value = __shfl_sync(0xffff0000u, value, 17);
  }
  __syncwarp();
  y[224 + threadIdx.x] = value;
}

__global__ void vote(float *y) {
  const int thread = int(threadIdx.x);
  const unsigned odd = __ballot_sync(~0u, thread % 2);
  const int count = __syncthreads_count(thread < 40);
  if (threadIdx.x == 0) {
    y[0] = float(__popc(odd));
    y[1] = float(odd & 3);
    y[2] = float(count);
  }
  y[3] = float(__any_sync(~0u, thread == 3 || thread == 35));
  y[4] = float(__all_sync(~0u, thread >= 0));
  y[5] = float(__all_sync(~0u, thread % 32 != 1));
  y[6] = float(__syncthreads_or(thread == 63));
  y[7] = float(__syncthreads_and(thread != 63));
}

__global__ void count_atomically(float *y, unsigned *counter) {
  if (atomicAdd(counter, 1u) == gridDim.x * blockDim.x - 1) y[0] = float(*counter);
}

__global__ void round_to_bfloat16(float *y) {
  const float values[] = {1.00390625f, 1.01171875f, -1.00390625f, 3.4e38f, 1e-40f, 0.0f / 0.0f, 1.005f, 0.1f};
  for (int i = 0; i < 8; i++) y[i] = __bfloat162float(__float2bfloat16_rn(values[i]));
  const __nv_bfloat162 pair = __floats2bfloat162_rn(1.5f, -2);
  y[8] = __bfloat1622float2(pair).x;
  y[9] = __bfloat1622float2(pair).y;
}

// MARK: What is wrong

// The threads of the first half or those of the second, whichever starts first, read what is not there yet.
__global__ void reverse_without_barrier(float *y) {
  IC_DYNAMIC_SHARED(float, shared);
  shared[threadIdx.x] = float(threadIdx.x);
  y[blockIdx.x * 64 + threadIdx.x] = shared[63 - threadIdx.x];
}

__global__ void read_unwritten(float *y, const float *unwritten) {
  IC_DYNAMIC_SHARED(float, shared);
  __shared__ float static_shared[4];
  y[0] = unwritten[0];
  y[1] = shared[0];
  y[2] = static_shared[0];
}

__global__ void leave_before_barrier(float *y) {
  if (threadIdx.x >= 40) return;
  __syncthreads();
  y[threadIdx.x] = 1;
}

__global__ void meet_at_two_barriers(float *y) {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  y[threadIdx.x] = 1;
}

__global__ void shuffle_among_half(float *y) {
  if (threadIdx.x < 16) y[threadIdx.x] = __shfl_sync(~0u, 1.0f, 0);
}

__global__ void shuffle_with_two_masks(float *y) {
  y[threadIdx.x] = __shfl_sync(threadIdx.x < 16 ? ~0u : 0xffffff00u, 1.0f, 16);
}

__global__ void shuffle_outside_mask(float *y) { y[threadIdx.x] = __shfl_sync(0xffffu, 1.0f, 0); }

__global__ void write_at(float *y, int index) { y[index] = 1; }

__global__ void write_shared_at(int index) {
  IC_DYNAMIC_SHARED(float, shared);
  shared[index] = 1;
}

namespace {

struct Stream {
  cudaStream_t stream;
  bool preparing = false;
};

// The launches by name. `y` has test_value_count elements.
const std::map<std::string, std::function<void(float *y)>> &launches() {
  static const Stream stream = {nullptr}, *context = &stream;
  static const std::map<std::string, std::function<void(float *)>> all = {
    {"indices", [](float *y) { IC_LAUNCH(write_indices, dim3(2, 2), dim3(4, 2, 4), 0, context, y); }},
    {"reverse", [](float *y) { IC_LAUNCH(reverse, 1, 256, 1024, context, y); }},
    {"shuffle", [](float *y) { IC_LAUNCH(shuffle, 1, 32, 0, context, y); }},
    {"vote", [](float *y) { IC_LAUNCH(vote, 1, 64, 0, context, y); }},
    {"atomics",
      [](float *y) {
        unsigned *counter;
        cudaMalloc(&counter, sizeof *counter);
        cudaMemset(counter, 0, sizeof *counter);
        IC_LAUNCH(count_atomically, 7, 65, 0, context, y, counter);
        cudaFree(counter);
      }},
    {"bfloat16", [](float *y) { IC_LAUNCH(round_to_bfloat16, 1, 1, 0, context, y); }},
    {"much shared memory",
      [](float *y) {
        cudaFuncSetAttribute(reverse, cudaFuncAttributeMaxDynamicSharedMemorySize, 227 << 10);
        IC_LAUNCH(reverse, 1, 256, 227 << 10, context, y);
      }},

    {"no barrier", [](float *y) { IC_LAUNCH(reverse_without_barrier, 2, 64, 256, context, y); }},
    {"unwritten",
      [](float *y) {
        float *unwritten;
        cudaMalloc(&unwritten, sizeof *unwritten);
        IC_LAUNCH(read_unwritten, 1, 1, 4, context, y, unwritten);
        cudaFree(unwritten);
      }},
    {"exit before barrier", [](float *y) { IC_LAUNCH(leave_before_barrier, 1, 64, 0, context, y); }},
    {"two barriers", [](float *y) { IC_LAUNCH(meet_at_two_barriers, 1, 64, 0, context, y); }},
    {"half a warp", [](float *y) { IC_LAUNCH(shuffle_among_half, 1, 32, 0, context, y); }},
    {"two masks", [](float *y) { IC_LAUNCH(shuffle_with_two_masks, 1, 32, 0, context, y); }},
    {"outside the mask", [](float *y) { IC_LAUNCH(shuffle_outside_mask, 1, 32, 0, context, y); }},
    {"overrun", [](float *y) { IC_LAUNCH(write_at, 1, 1, 0, context, y, test_value_count); }},
    {"shared overrun", [](float *) { IC_LAUNCH(write_shared_at, 1, 1, 64, context, 16); }},
    {"too many threads", [](float *y) { IC_LAUNCH(reverse, 1, 1025, 1024, context, y); }},
    {"no blocks", [](float *y) { IC_LAUNCH(reverse, 0, 32, 1024, context, y); }},
    {"undeclared shared memory", [](float *) { IC_LAUNCH(write_shared_at, 1, 1, (48 << 10) + 1, context, 0); }},
    {"too much shared memory",
      [](float *) {
        cudaFuncSetAttribute(write_shared_at, cudaFuncAttributeMaxDynamicSharedMemorySize, (227 << 10) + 1);
      }},
    {"copy out of bounds", [](float *y) { cudaMemcpy(y + 1, y, test_value_count * 4, cudaMemcpyDeviceToDevice); }},
  };
  return all;
}

}  // namespace

test_result test_launch(const char *name) {
  test_result result = {};
  float *y;
  const auto launch = launches().find(name);
  if (launch == launches().end() || cudaMalloc(&y, sizeof result.values) != cudaSuccess) {
    snprintf(result.error, sizeof result.error, "there is no kernel %s", name);
    return result;
  }
  launch->second(y);
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess) snprintf(result.error, sizeof result.error, "%s", cudaGetErrorString(error));
  cudaMemcpy(result.values, y, sizeof result.values, cudaMemcpyDeviceToHost);
  cudaFree(y);
  return result;
}

bool test_is_sanitized(void) {
#ifdef IC_EMULATION_ASAN
  return true;
#else
  return false;
#endif
}
