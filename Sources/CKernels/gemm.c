#include "gemm.h"
#include "gemm_skinny.h"
#include "kernel.h"
#include "sizes.h"

#include <limits.h>
#include <string.h>

// Below this many multiply-adds a product is not worth a second thread.
static const double serial_limit = 1 << 17;
// Edges of a worker's part of c are multiples of these, so that kernels see whole tiles.
enum { row_grain = 24, column_grain = 48 };

typedef struct {
  ck_pool *pool;
  ck_gemm_kernel kernel;  // NULL for skinny products
  bool transpose_a, transpose_b, add;
  int64_t m, n, k;
  const float *a, *bias;
  const void *b;
  ck_element b_type;
  int64_t lda, ldb, ldc;
  float *c;
  int64_t height, width, across;  // size of a part of c, and parts side by side
} product;

// Makes c what the product is to be added to.
CK_CLONES static void prepare(
  float *c, int64_t ldc, int64_t rows, int64_t columns, const float *bias, bool add) {
  for (int64_t i = 0; i < rows; i++) {
    float *row = c + i * ldc;
    if (!bias) {
      memset(row, 0, (size_t)columns * sizeof(float));
    } else if (!add) {
      memcpy(row, bias, (size_t)columns * sizeof(float));
    } else {
#pragma clang loop vectorize(assume_safety)
      for (int64_t j = 0; j < columns; j++) row[j] += bias[j];
    }
  }
}

// Elements of b from element `first` on.
static const void *of_b(const product *q, int64_t first) {
  return (const char *)q->b + first * ck_element_size(q->b_type);
}

// The kernel's product of rows of a with a part of a narrow b, which begins at element `first`: widened and multiplied
// a panel of columns at a time. Panels are as deep as b where there is room for that, so that sums stay as they are.
static void multiply_panels(
  const product *q, int worker, int64_t rows, int64_t columns, const float *a, int64_t first, bool add, float *c) {
  float *const panel = ck_pool_panel(q->pool, worker);
  const int64_t room = CK_WORKER_PANEL_BYTES / sizeof(float);
  const int64_t depth = ck_least(q->k, room / column_grain);
  const int64_t most = ck_least(columns, room / depth / column_grain * column_grain);
  const int64_t width = ck_ceiling(ck_ceiling(columns, ck_ceiling(columns, most)), column_grain) * column_grain;
  for (int64_t j = 0; j < columns; j += width) {
    const int64_t across = ck_least(width, columns - j);
    for (int64_t p = 0; p < q->k; p += depth) {
      const int64_t down = ck_least(depth, q->k - p);
      const int64_t lines = q->transpose_b ? across : down, length = q->transpose_b ? down : across;
      const int64_t start = first + (q->transpose_b ? j * q->ldb + p : p * q->ldb + j);
      for (int64_t i = 0; i < lines; i++) {
        ck_widen(q->b_type, length, panel + i * length, of_b(q, start + i * q->ldb));
      }
      const float *const part = a + (q->transpose_a ? p * q->lda : p);
      q->kernel(
        q->transpose_a, q->transpose_b, rows, across, down, part, q->lda, panel, length, add || p > 0, c + j, q->ldc,
        ck_pool_scratch(q->pool, worker));
    }
  }
}

static void multiply_part(const product *q, int64_t part, int worker) {
  const int64_t i = part / q->across * q->height, j = part % q->across * q->width;
  const int64_t rows = ck_least(q->height, q->m - i), columns = ck_least(q->width, q->n - j);
  const float *a = q->a + (q->transpose_a ? i : i * q->lda);
  const int64_t first = q->transpose_b ? j * q->ldb : j;
  float *c = q->c + i * q->ldc + j;
  bool add = q->add;
  if (q->bias || (!add && (!q->kernel || q->k == 0))) {
    prepare(c, q->ldc, rows, columns, q->bias ? q->bias + j : NULL, add);
    add = true;
  }
  if (!q->kernel) {
    ck_skinny_gemm(
      q->transpose_b, rows, columns, q->k, a, q->lda, of_b(q, first), q->b_type, q->ldb, c, q->ldc);
  } else if (q->k > 0 && q->b_type != ck_float32) {
    multiply_panels(q, worker, rows, columns, a, first, add, c);
  } else if (q->k > 0) {
    q->kernel(
      q->transpose_a, q->transpose_b, rows, columns, q->k, a, q->lda, of_b(q, first), q->ldb, add, c, q->ldc,
      ck_pool_scratch(q->pool, worker));
  }
}

static void multiply_parts(void *context, int64_t begin, int64_t end, int worker) {
  for (int64_t part = begin; part < end; part++) multiply_part(context, part, worker);
}

// Cuts c into at most one part per thread: of the grids that keep all threads busy, the one whose parts have the
// shortest edges, because each worker reads (and packs) its rows of a and its columns of b by itself. Returns the
// number of parts.
static int64_t split(product *q, int threads, int64_t row_unit, int64_t column_unit) {
  int64_t best_parts = 0;
  double best_cost = 0;
  for (int64_t down = 1; down <= threads; down++) {
    const int64_t height = ck_ceiling(ck_ceiling(q->m, row_unit), down) * row_unit;
    const int64_t width = ck_ceiling(ck_ceiling(q->n, column_unit), threads / down) * column_unit;
    // A part's time: its multiply-adds, and what it reads at some 32 multiply-adds an element.
    const double cost = (double)height * (double)width + 32.0 * (double)(height + width);
    if (best_parts > 0 && cost >= best_cost) continue;
    best_cost = cost;
    q->height = height;
    q->width = width;
    q->across = ck_ceiling(q->n, width);
    best_parts = ck_ceiling(q->m, height) * q->across;
  }
  return best_parts;
}

void ck_matmul(
  ck_pool *pool, ck_gemm_kernel kernel, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
  const float *a, int64_t lda, const void *b, ck_element b_type, int64_t ldb, const float *bias, bool add, float *c,
  int64_t ldc) {
  if (m <= 0 || n <= 0) return;
  product q = {
    .pool = pool, .kernel = kernel, .transpose_a = transpose_a, .transpose_b = transpose_b, .add = add, .m = m,
    .n = n, .k = k, .a = a, .bias = bias, .b = b, .b_type = b_type, .lda = lda, .ldb = ldb, .ldc = ldc, .c = c};
  const bool skinny = !transpose_a && ck_is_skinny(m, transpose_b);
  if (skinny) {
    q.kernel = NULL;
  } else if (m > INT_MAX || k > INT_MAX || lda > INT_MAX || ldb > INT_MAX || ldc > INT_MAX) {
    q.kernel = ck_plain_gemm();  // libraries count in int
  }
  const int threads = (double)m * (double)n * (double)k < serial_limit ? 1 : ck_pool_threads(pool);
  const int64_t parts = skinny ? split(&q, threads, m, 16) : split(&q, threads, row_grain, column_grain);
  ck_parallel(pool, parts, 1, multiply_parts, &q);
}
