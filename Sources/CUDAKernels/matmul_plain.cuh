// A matrix product of any element types, strides and alignment, for the few that cuBLASLt has no algorithm for.
#pragma once

#include "context.cuh"

// The arguments of ic_matmul, whose shapes were checked.
ic_status ic_matmul_plain(
  ic_context *, ic_tensor c, ic_tensor a, ic_tensor b, int32_t transpose_a, int32_t transpose_b,
  ic_accumulation accumulate, ic_tensor bias);

// c += bias, one value per column.
ic_status ic_matmul_add_bias(ic_context *, ic_tensor c, ic_tensor bias);
