// CUDA as nvcc has it, or the emulation of it that runs on any processor.
#pragma once

#include "../CCUDA/include/inheritune_cuda.h"

#include <math.h>
#include <stdint.h>

#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_runtime.h>

// Launches a kernel. While the context is preparing, the kernel is loaded instead: CUDA loads kernels when they are first
// used, which may wait for the device and so has no place in a capture.
#define IC_LAUNCH(kernel, grid, block, shared_bytes, context, ...)                      \
  do {                                                                                  \
    if ((context)->preparing) {                                                         \
      cudaFuncAttributes ic_attributes;                                                 \
      cudaFuncGetAttributes(&ic_attributes, reinterpret_cast<const void *>(kernel));    \
    } else {                                                                            \
      kernel<<<(grid), (block), (shared_bytes), (context)->stream>>>(__VA_ARGS__);      \
    }                                                                                   \
  } while (0)
// The dynamic shared memory of a kernel, as an array of `type`.
#define IC_DYNAMIC_SHARED(type, name)                                \
  extern __shared__ __align__(16) unsigned char ic_dynamic_shared[]; \
  type *name = reinterpret_cast<type *>(ic_dynamic_shared)
#else
#include "emulation/emulation.h"
#endif

typedef __nv_bfloat16 bf16;
