// Causal attention as graphs of cuDNN operations. cuDNN recognises the whole and computes it by one flash-attention
// kernel (three or four in the backward pass); these are the patterns that it knows since 9.0.
#pragma once

#include "cudnn_graph.h"

struct ic_attention_shape {
  int64_t batch, length, heads, kv_heads, head_dimension;
  // Elements from one row to the next; the heads of a row follow each other.
  int64_t qkv_stride, y_stride;
  // Of the backward pass.
  int64_t dqkv_stride, dy_stride;

  std::array<int64_t, 9> fields() const {
    return {batch, length, heads, kv_heads, head_dimension, qkv_stride, y_stride, dqkv_stride, dy_stride};
  }
  bool operator<(const ic_attention_shape &other) const { return fields() < other.fields(); }
};

// How the tensors of the graphs are bound. Log-sum-exp [batch, heads, length], packed.
enum ic_attention_id : int64_t {
  IC_ATTENTION_Q = 1,
  IC_ATTENTION_K,
  IC_ATTENTION_V,
  IC_ATTENTION_Y,
  IC_ATTENTION_LOG_SUM_EXP,
  IC_ATTENTION_DY,
  IC_ATTENTION_DQ,
  IC_ATTENTION_DK,
  IC_ATTENTION_DV,
  // float32 [batch, heads, length] of the backward pass: the sums of dy · y over each head.
  IC_ATTENTION_DY_Y,
  // Scalars: the factor on q·k, what masked scores become, 1.
  IC_ATTENTION_SCALE,
  IC_ATTENTION_MASKED,
  IC_ATTENTION_ONE,
};

void ic_attention_forward_graph(ic_cudnn_graph &graph, const ic_attention_shape &shape);

// The gradients are summed in a fixed order: dq is a product of its own with the gradients of the scores, which are
// kept (batch · heads · length² · 2 bytes of workspace), rather than added by atomics.
void ic_attention_backward_graph(ic_cudnn_graph &graph, const ic_attention_shape &shape);
