// Random bits from counters: no state, the same bits for the same seed and place whatever the launch.
#pragma once

#include "platform.cuh"

struct ic_random_bits {
  uint32_t low, high;
};

// Philox-2x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
__device__ __forceinline__ ic_random_bits ic_philox(uint64_t counter, uint32_t key) {
  uint32_t low = static_cast<uint32_t>(counter), high = static_cast<uint32_t>(counter >> 32);
#pragma unroll
  for (int round = 0; round < 10; round++) {
    const uint64_t product = static_cast<uint64_t>(0xd256d193u) * low;
    low = static_cast<uint32_t>(product >> 32) ^ key ^ high;
    high = static_cast<uint32_t>(product);
    key += 0x9e3779b9u;
  }
  return {low, high};
}
