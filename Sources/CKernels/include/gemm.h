// Matrix products.
#pragma once

#include "narrow.h"
#include "parallel.h"
#include <stdbool.h>

#pragma clang assume_nonnull begin

/// Computes c[m, n] = op(a)[m, k]·op(b)[k, n], or c += with `add`, on the calling thread. `scratch` has
/// CK_WORKER_SCRATCH_BYTES.
typedef void (*ck_gemm_kernel)(
  bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
  int64_t ldb, bool add, float *c, int64_t ldc, void *scratch);

/// Counts the changes that made the plain kernels faster or slower: what was chosen beside others is measured again.
#define CK_PLAIN_GEMM_REVISION 1

/// Blocked products in C, compiled for several instruction sets.
ck_gemm_kernel ck_plain_gemm(void);

/// c[m, n] = op(a)·op(b) (+ bias[n] on every row), or c += with `add`. `a` is [m, k], or [k, m] when transposed; `b`
/// is [k, n], or [n, k], of `b_type`. `bias` may be NULL. Every element of c is summed in an order that depends on
/// `kernel`, the shapes and the number of threads alone, for operands that begin on multiples of 64 bytes.
///
/// A narrow b is widened a panel at a time, and never whole.
void ck_matmul(
  ck_pool *pool, ck_gemm_kernel kernel, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
  const float *a, int64_t lda, const void *b, ck_element b_type, int64_t ldb, const float *_Nullable bias, bool add,
  float *c, int64_t ldc);

#pragma clang assume_nonnull end
