// Tensor cores and what feeds them, for sm_80 and newer: mma.sync, ldmatrix and cp.async. Each is a small function with
// a twin for the emulation.
//
// mma.m16n8k16 spreads its matrices over the lanes of a warp (PTX ISA, "Matrix fragments for mma.m16n8k16"). With
// g = lane / 4 and t = lane % 4, a lane holds
//   of C [16, 8]:  (g, 2t) (g, 2t+1) (g+8, 2t) (g+8, 2t+1)
//   of A [16, 16]: pairs of columns at (g, 2t) (g+8, 2t) (g, 2t+8) (g+8, 2t+8)
//   of B [16, 8]:  pairs of rows at (2t, g) (2t+8, g)
// so two neighbouring C are one A: what one product computes feeds the next without leaving the registers.
#pragma once

#include "platform.cuh"

#ifndef __CUDACC__
#include "emulation/tensor_cores.h"
#endif

__device__ __forceinline__ int ic_lane() { return int(threadIdx.x % 32); }
__device__ __forceinline__ int ic_warp() { return int(threadIdx.x / 32); }

// c += a·b of bfloat16, accumulated in float32.
__device__ __forceinline__ void ic_mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
#ifdef __CUDACC__
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
  emulation::mma(c, a, b0, b1);
#endif
}

// Four 8×8 matrices of 16-bit elements: lanes 8i … 8i+7 give the addresses of the rows of matrix i. A lane receives
// elements (g, 2t) and (g, 2t+1) of each; (2t, g) and (2t+1, g) when transposed.
__device__ __forceinline__ void ic_load_matrices(uint32_t (&x)[4], const void *row) {
#ifdef __CUDACC__
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
               : "r"(uint32_t(__cvta_generic_to_shared(row))));
#else
  emulation::load_matrices(x, row, false);
#endif
}
__device__ __forceinline__ void ic_load_matrices_transposed(uint32_t (&x)[4], const void *row) {
#ifdef __CUDACC__
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
               : "r"(uint32_t(__cvta_generic_to_shared(row))));
#else
  emulation::load_matrices(x, row, true);
#endif
}

// Copies BYTES from global to shared memory, or zeros where not `valid`. Done after the wait for the group that it is
// committed with; until then neither memory may be touched.
template <int BYTES> __device__ __forceinline__ void ic_copy_async(void *shared, const void *global, bool valid) {
  static_assert(BYTES == 4 || BYTES == 8 || BYTES == 16, "sizes that cp.async has");
#ifdef __CUDACC__
  const uint32_t to = uint32_t(__cvta_generic_to_shared(shared)), count = valid ? BYTES : 0;
  if constexpr (BYTES == 16) {  // past the first-level cache: each block reads a tile once
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(to), "l"(global), "r"(count)
                 : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(to), "l"(global), "n"(BYTES), "r"(count)
                 : "memory");
  }
#else
  emulation::copy_async(shared, global, valid ? BYTES : 0, BYTES);
#endif
}
__device__ __forceinline__ void ic_commit_copies() {
#ifdef __CUDACC__
  asm volatile("cp.async.commit_group;" ::: "memory");
#else
  emulation::commit_copies();
#endif
}
// Waits for all of this thread's groups of copies but the last COUNT. Others see them after a barrier.
template <int COUNT> __device__ __forceinline__ void ic_wait_for_copies() {
#ifdef __CUDACC__
  asm volatile("cp.async.wait_group %0;" ::"n"(COUNT) : "memory");
#else
  emulation::wait_for_copies(COUNT);
#endif
}

// Two float32 as a pair of bfloat16, the first in the lower half.
__device__ __forceinline__ uint32_t ic_pair(float low, float high) {
#ifdef __CUDACC__
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const uint32_t *>(&pair);
#else
  return uint32_t(bf16(low).bits) | uint32_t(bf16(high).bits) << 16;
#endif
}

// x, in a way that the compiler can not see through: what is computed from it is not kept in registers across a loop.
__device__ __forceinline__ int ic_recomputed(int x) {
#ifdef __CUDACC__
  asm volatile("" : "+r"(x));
#endif
  return x;
}
