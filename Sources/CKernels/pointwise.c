#include "pointwise.h"
#include "vector_math.h"

#include <string.h>

// MARK: Activations: y = f(x), and f′(x) in *derivative

// GELU by the tanh approximation, ½·x·(1 + tanh u), u = √(2/π)·(x + 0.044715·x³) (Hendrycks and Gimpel, arXiv
// 1606.08415). ½·(1 + tanh u) is the logistic function of 2u, which loses nothing in the lower tail.
CK_INLINE void gelu_tanh(const ck_lanes *x, ck_lanes *y, ck_lanes *derivative) {
  const float linear = 1.5957691216f, cubic = 0.0713548163f;  // 2u = linear·x + cubic·x³
  const ck_lanes square = *x * *x;
  const ck_lanes twice_u = *x * (linear * ck_log2_e + cubic * ck_log2_e * square);
  ck_lanes s, rest;
  ck_logistic2(&twice_u, &s, &rest);
  *y = *x * s;
  *derivative = s + *y * rest * (linear + 3.0f * cubic * square);
}

// x·Φ(x) and Φ(x) + x·φ(x).
CK_INLINE void gelu_erf(const ck_lanes *x, ck_lanes *y, ck_lanes *derivative) {
  ck_lanes density = *x * *x * (-0.5f * ck_log2_e), cdf;
  ck_exp2_lanes(&density);
  ck_normal_cdf(x, &density, &cdf);
  *y = *x * cdf;
  *derivative = cdf + *x * density * 0.3989422804f;  // 1/√(2π)
}

CK_INLINE void silu(const ck_lanes *x, ck_lanes *y, ck_lanes *derivative) {
  const ck_lanes exponent = *x * ck_log2_e;
  ck_lanes s, rest;
  ck_logistic2(&exponent, &s, &rest);
  *y = *x * s;
  *derivative = s + *y * rest;
}

// The comparison is written so that NaN stays NaN.
CK_INLINE void relu(const ck_lanes *x, ck_lanes *y, ck_lanes *derivative) {
  *y = *x <= 0.0f ? (ck_lanes)0.0f : *x;
  *derivative = *x <= 0.0f ? (ck_lanes)0.0f : (ck_lanes)1.0f;
}

// Each kernel as loops over n contiguous elements. Results may take the place of operands: of a vector, all operands
// are read before any result is written.
#define ACTIVATION(f)                                                                                                \
  CK_CLONES static void f##_forward(float *y, const float *x, int64_t n) {                                           \
    for (int64_t i = 0; i < n; i += ck_lane_count) {                                                                 \
      ck_lanes input, value, derivative;                                                                             \
      ck_load_first(&input, x + i, n - i, 0);                                                                        \
      f(&input, &value, &derivative);                                                                                \
      ck_store_first(y + i, &value, n - i);                                                                          \
    }                                                                                                                \
  }                                                                                                                  \
  CK_CLONES static void f##_backward(float *dx, const float *dy, const float *x, int64_t n) {                        \
    for (int64_t i = 0; i < n; i += ck_lane_count) {                                                                 \
      ck_lanes input, upstream, value, derivative;                                                                   \
      ck_load_first(&input, x + i, n - i, 0);                                                                        \
      ck_load_first(&upstream, dy + i, n - i, 0);                                                                    \
      f(&input, &value, &derivative);                                                                                \
      derivative *= upstream;                                                                                        \
      ck_store_first(dx + i, &derivative, n - i);                                                                    \
    }                                                                                                                \
  }                                                                                                                  \
  CK_CLONES static void f##_gate(float *y, const float *gate, const float *up, int64_t n) {                          \
    for (int64_t i = 0; i < n; i += ck_lane_count) {                                                                 \
      ck_lanes input, factor, value, derivative;                                                                     \
      ck_load_first(&input, gate + i, n - i, 0);                                                                     \
      ck_load_first(&factor, up + i, n - i, 0);                                                                      \
      f(&input, &value, &derivative);                                                                                \
      value *= factor;                                                                                               \
      ck_store_first(y + i, &value, n - i);                                                                          \
    }                                                                                                                \
  }                                                                                                                  \
  CK_CLONES static void f##_gate_backward(                                                                           \
    float *d_gate, float *d_up, const float *dy, const float *gate, const float *up, int64_t n) {                    \
    for (int64_t i = 0; i < n; i += ck_lane_count) {                                                                 \
      ck_lanes input, factor, upstream, value, derivative;                                                           \
      ck_load_first(&input, gate + i, n - i, 0);                                                                     \
      ck_load_first(&factor, up + i, n - i, 0);                                                                      \
      ck_load_first(&upstream, dy + i, n - i, 0);                                                                    \
      f(&input, &value, &derivative);                                                                                \
      derivative *= upstream * factor;                                                                               \
      value *= upstream;                                                                                             \
      ck_store_first(d_gate + i, &derivative, n - i);                                                                \
      ck_store_first(d_up + i, &value, n - i);                                                                       \
    }                                                                                                                \
  }

ACTIVATION(gelu_tanh)
ACTIVATION(gelu_erf)
ACTIVATION(silu)
ACTIVATION(relu)

#define BY_KIND(kind, operation, ...)                                                                                \
  switch (kind) {                                                                                                    \
    case ck_gelu_tanh: gelu_tanh_##operation(__VA_ARGS__); break;                                                    \
    case ck_gelu_erf: gelu_erf_##operation(__VA_ARGS__); break;                                                      \
    case ck_silu: silu_##operation(__VA_ARGS__); break;                                                              \
    case ck_relu: relu_##operation(__VA_ARGS__); break;                                                              \
  }

// MARK: Walking matrices

typedef struct {
  float *y;
  const float *a, *b;
  int64_t y_stride, a_stride, b_stride;
  int64_t rows, columns;
  ck_activation kind;
  float value;
} operands;

// Computes elements 0 ..< n of a row; y, a and b are where they start.
typedef void (*span)(const operands *q, float *y, const float *a, const float *b, int64_t n);

typedef struct {
  const operands *operands;
  span compute;
} walk;

static void walk_rows(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const walk *w = context;
  const operands *q = w->operands;
  for (int64_t i = begin; i < end; i++) {
    w->compute(q, q->y + i * q->y_stride, q->a + i * q->a_stride, q->b + i * q->b_stride, q->columns);
  }
}

static void walk_columns(void *context, int64_t begin, int64_t end, int worker) {
  (void)worker;
  const walk *w = context;
  const operands *q = w->operands;
  w->compute(q, q->y + begin, q->a + begin, q->b + begin, end - begin);
}

// Elements that are worth a thread.
static const int64_t grain = 8192;

static void for_each_span(ck_pool *pool, operands q, span compute) {
  walk w = {.operands = &q, .compute = compute};
  if (q.rows <= 1 || (q.y_stride == q.columns && q.a_stride == q.columns && q.b_stride == q.columns)) {
    ck_parallel(pool, q.rows * q.columns, grain, walk_columns, &w);
  } else {
    ck_parallel(pool, q.rows, q.columns < grain ? grain / (q.columns > 0 ? q.columns : 1) : 1, walk_rows, &w);
  }
}

// MARK: Kernels

static void activate_span(const operands *q, float *y, const float *a, const float *b, int64_t n) {
  (void)b;
  BY_KIND(q->kind, forward, y, a, n)
}

void ck_activate(
  ck_pool *pool, ck_activation kind, int64_t rows, int64_t columns, float *y, int64_t y_stride, const float *x,
  int64_t x_stride) {
  const operands q = {
    .y = y, .a = x, .b = x, .y_stride = y_stride, .a_stride = x_stride, .b_stride = x_stride, .rows = rows,
    .columns = columns, .kind = kind};
  for_each_span(pool, q, activate_span);
}

static void activate_backward_span(const operands *q, float *y, const float *a, const float *b, int64_t n) {
  BY_KIND(q->kind, backward, y, a, b, n)
}

void ck_activate_backward(
  ck_pool *pool, ck_activation kind, int64_t rows, int64_t columns, float *dx, int64_t dx_stride, const float *dy,
  int64_t dy_stride, const float *x, int64_t x_stride) {
  const operands q = {
    .y = dx, .a = dy, .b = x, .y_stride = dx_stride, .a_stride = dy_stride, .b_stride = x_stride, .rows = rows,
    .columns = columns, .kind = kind};
  for_each_span(pool, q, activate_backward_span);
}

// The halves of a packed row are q->columns apart.
static void gate_span(const operands *q, float *y, const float *a, const float *b, int64_t n) {
  (void)b;
  BY_KIND(q->kind, gate, y, a, a + q->columns, n)
}

void ck_gate(
  ck_pool *pool, ck_activation kind, int64_t rows, int64_t columns, float *y, int64_t y_stride, const float *gate_up,
  int64_t gate_up_stride) {
  const operands q = {
    .y = y, .a = gate_up, .b = gate_up, .y_stride = y_stride, .a_stride = gate_up_stride, .b_stride = gate_up_stride,
    .rows = rows, .columns = columns, .kind = kind};
  for_each_span(pool, q, gate_span);
}

static void gate_backward_span(const operands *q, float *y, const float *a, const float *b, int64_t n) {
  BY_KIND(q->kind, gate_backward, y, y + q->columns, a, b, b + q->columns, n)
}

void ck_gate_backward(
  ck_pool *pool, ck_activation kind, int64_t rows, int64_t columns, float *d_gate_up, int64_t d_gate_up_stride,
  const float *dy, int64_t dy_stride, const float *gate_up, int64_t gate_up_stride) {
  const operands q = {
    .y = d_gate_up, .a = dy, .b = gate_up, .y_stride = d_gate_up_stride, .a_stride = dy_stride,
    .b_stride = gate_up_stride, .rows = rows, .columns = columns, .kind = kind};
  for_each_span(pool, q, gate_backward_span);
}

CK_CLONES static void add(float *y, const float *a, const float *b, int64_t n) {
  // Elements do not depend on each other even where y is a or b.
#pragma clang loop vectorize(assume_safety)
  for (int64_t i = 0; i < n; i++) y[i] = a[i] + b[i];
}

static void add_span(const operands *q, float *y, const float *a, const float *b, int64_t n) {
  (void)q;
  add(y, a, b, n);
}

void ck_add(
  ck_pool *pool, int64_t rows, int64_t columns, float *y, int64_t y_stride, const float *a, int64_t a_stride,
  const float *b, int64_t b_stride) {
  const operands q = {
    .y = y, .a = a, .b = b, .y_stride = y_stride, .a_stride = a_stride, .b_stride = b_stride, .rows = rows,
    .columns = columns};
  for_each_span(pool, q, add_span);
}

static void copy_span(const operands *q, float *y, const float *a, const float *b, int64_t n) {
  (void)q, (void)b;
  memcpy(y, a, (size_t)n * sizeof(float));
}

void ck_copy(
  ck_pool *pool, int64_t rows, int64_t columns, void *y, int64_t y_stride, const void *x, int64_t x_stride) {
  const operands q = {
    .y = y, .a = x, .b = x, .y_stride = y_stride, .a_stride = x_stride, .b_stride = x_stride, .rows = rows,
    .columns = columns};
  for_each_span(pool, q, copy_span);
}

CK_CLONES static void fill(float *y, float value, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = value;
}

static void fill_span(const operands *q, float *y, const float *a, const float *b, int64_t n) {
  (void)a, (void)b;
  fill(y, q->value, n);
}

void ck_fill(ck_pool *pool, int64_t rows, int64_t columns, float *y, int64_t y_stride, float value) {
  const operands q = {
    .y = y, .a = y, .b = y, .y_stride = y_stride, .a_stride = y_stride, .b_stride = y_stride, .rows = rows,
    .columns = columns, .value = value};
  for_each_span(pool, q, fill_span);
}
