// Matrix products in C.
//
// The usual three levels of blocking (Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication",
// 2008): a block of b is packed for the outer caches, a block of a for the second level, and a tile of c is kept in
// registers.
#include "gemm.h"
#include "gemm_packing.h"
#include "kernel.h"
#include "sizes.h"

#include <pthread.h>

typedef void (*microkernel)(
  int64_t k, const float *restrict a, const float *restrict b, bool add, float *restrict c, int64_t ldc);

#if defined(__x86_64__)
#define MICROKERNEL microkernel_avx512
#define TARGET __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#define LANES 16
#define ROWS 8
#define VECTORS 3
#include "gemm_microkernel.h"

#define MICROKERNEL microkernel_avx2
#define TARGET __attribute__((target("arch=x86-64-v3")))
#define LANES 8
#define ROWS 4
#define VECTORS 3
#include "gemm_microkernel.h"
#endif

#if defined(__aarch64__)
#define BASELINE_ROWS 8
#define BASELINE_VECTORS 3
#else
#define BASELINE_ROWS 4
#define BASELINE_VECTORS 2
#endif
#define MICROKERNEL microkernel_baseline
#define TARGET
#define LANES 4
#define ROWS BASELINE_ROWS
#define VECTORS BASELINE_VECTORS
#include "gemm_microkernel.h"

// Blocks: `depth` of k, `height` rows of a (a multiple of every tile's rows), `width` columns of b (of every tile's
// columns). Packed, they fit CK_WORKER_SCRATCH_BYTES, and a's block the second-level cache.
enum { depth = 384, height = 120, width = 960, largest_tile = 8 * 48 };

_Static_assert(
  (size_t)depth * (height + width) * sizeof(float) <= CK_WORKER_SCRATCH_BYTES, "packed blocks fit the scratch");

static struct {
  int64_t rows, columns;
  microkernel multiply;
} tile = {BASELINE_ROWS, 4 * BASELINE_VECTORS, microkernel_baseline};

static void choose_tile(void) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("x86-64-v4")) {
    tile.rows = 8, tile.columns = 48, tile.multiply = microkernel_avx512;
  } else if (__builtin_cpu_supports("x86-64-v3")) {
    tile.rows = 4, tile.columns = 24, tile.multiply = microkernel_avx2;
  }
#endif
}

// A tile at the edge of c: computed whole, and the part that exists is written.
static void edge_tile(
  int64_t rows, int64_t columns, int64_t k, const float *a, const float *b, bool add, float *c, int64_t ldc) {
  _Alignas(64) float whole[largest_tile];
  tile.multiply(k, a, b, false, whole, tile.columns);
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < columns; j++) {
      c[i * ldc + j] = (add ? c[i * ldc + j] : 0) + whole[i * tile.columns + j];
    }
  }
}

static void multiply_blocks(
  int64_t m, int64_t n, int64_t k, const float *packed_a, const float *packed_b, bool add, float *c, int64_t ldc) {
  for (int64_t j = 0; j < n; j += tile.columns) {
    const int64_t columns = ck_least(tile.columns, n - j);
    for (int64_t i = 0; i < m; i += tile.rows) {
      const int64_t rows = ck_least(tile.rows, m - i);
      const float *a = packed_a + i * k, *b = packed_b + j * k;
      float *target = c + i * ldc + j;
      if (rows == tile.rows && columns == tile.columns) {
        tile.multiply(k, a, b, add, target, ldc);
      } else {
        edge_tile(rows, columns, k, a, b, add, target, ldc);
      }
    }
  }
}

static void plain_kernel(
  bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
  int64_t ldb, bool add, float *c, int64_t ldc, void *scratch) {
  float *packed_b = scratch, *packed_a = packed_b + depth * width;
  for (int64_t j = 0; j < n; j += width) {
    const int64_t columns = ck_least(width, n - j);
    for (int64_t p = 0; p < k; p += depth) {
      const int64_t steps = ck_least(depth, k - p);
      if (transpose_b) ck_pack_lines(packed_b, b + j * ldb + p, ldb, columns, steps, tile.columns);
      else ck_pack_columns(packed_b, b + p * ldb + j, ldb, columns, steps, tile.columns);
      for (int64_t i = 0; i < m; i += height) {
        const int64_t rows = ck_least(height, m - i);
        if (transpose_a) ck_pack_columns(packed_a, a + p * lda + i, lda, rows, steps, tile.rows);
        else ck_pack_lines(packed_a, a + i * lda + p, lda, rows, steps, tile.rows);
        multiply_blocks(rows, columns, steps, packed_a, packed_b, add || p > 0, c + i * ldc + j, ldc);
      }
    }
  }
}

ck_gemm_kernel ck_plain_gemm(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, choose_tile);
  return plain_kernel;
}
