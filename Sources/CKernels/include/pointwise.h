// Element-by-element kernels.
#pragma once

#include "parallel.h"

typedef enum { ck_gelu_tanh, ck_gelu_erf, ck_silu, ck_relu } ck_activation;

/// y[rows, columns] = f(x).
void ck_activate(
  ck_pool *pool, ck_activation kind, int64_t rows, int64_t columns, float *y, int64_t y_stride, const float *x,
  int64_t x_stride);

/// dx = dy·f′(x); dx may be dy, with the same stride.
void ck_activate_backward(
  ck_pool *pool, ck_activation kind, int64_t rows, int64_t columns, float *dx, int64_t dx_stride, const float *dy,
  int64_t dy_stride, const float *x, int64_t x_stride);

/// y[rows, columns] = f(gate)·up, of rows gate_up[2·columns] with gate first.
void ck_gate(
  ck_pool *pool, ck_activation kind, int64_t rows, int64_t columns, float *y, int64_t y_stride, const float *gate_up,
  int64_t gate_up_stride);

/// Sets d_gate_up[rows, 2·columns] from dy[rows, columns].
void ck_gate_backward(
  ck_pool *pool, ck_activation kind, int64_t rows, int64_t columns, float *d_gate_up, int64_t d_gate_up_stride,
  const float *dy, int64_t dy_stride, const float *gate_up, int64_t gate_up_stride);

/// y = a + b; y may be a or b, with the same stride.
void ck_add(
  ck_pool *pool, int64_t rows, int64_t columns, float *y, int64_t y_stride, const float *a, int64_t a_stride,
  const float *b, int64_t b_stride);

/// y = x, for any type of 4 bytes.
void ck_copy(
  ck_pool *pool, int64_t rows, int64_t columns, void *y, int64_t y_stride, const void *x, int64_t x_stride);

void ck_fill(ck_pool *pool, int64_t rows, int64_t columns, float *y, int64_t y_stride, float value);
