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

/// One way to multiply matrices.
typedef struct {
  const char *name;
  ck_gemm_kernel kernel;
} ck_gemm;

/// What was found of OpenBLAS on this machine. Strings live as long as the process.
typedef struct {
  bool available;
  const char *_Nullable path;     // file that was loaded
  const char *_Nullable version;  // the library's own words: version and build options
  const char *_Nullable core;     // the processor its kernels were chosen for
  const char *_Nullable reason;   // why it is not available
  const ck_gemm *gemm;
} ck_openblas;

/// Loads OpenBLAS on the first call, restricted to one thread a call. Threads of its own would spin beside ours.
const ck_openblas *ck_openblas_load(void);

/// Blocked products in C, compiled for several instruction sets.
const ck_gemm *ck_plain_gemm(void);

/// c[m, n] = op(a)·op(b) (+ bias[n] on every row), or c += with `add`. `a` is [m, k], or [k, m] when transposed; `b`
/// is [k, n], or [n, k], of `b_type`. `bias` may be NULL. Every element of c is summed in an order that depends on the
/// shapes and the number of threads alone.
///
/// A narrow b is widened a panel at a time, and never whole.
void ck_matmul(
  ck_pool *pool, const ck_gemm *gemm, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
  const float *a, int64_t lda, const void *b, ck_element b_type, int64_t ldb, const float *_Nullable bias, bool add,
  float *c, int64_t ldc);

/// out[j] += Σᵢ x[i, j] over `rows` rows, in ascending blocks of rows.
void ck_add_column_sums(
  ck_pool *pool, float *out, const float *x, int64_t rows, int64_t columns, int64_t stride);

#pragma clang assume_nonnull end
