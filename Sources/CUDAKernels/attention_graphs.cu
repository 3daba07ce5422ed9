#include "attention_graphs.h"

namespace {

typedef ic_cudnn_graph::Tensor Tensor;

// The tensors that both passes have, [batch, heads, rows, columns].
class Builder {
public:
  Builder(ic_cudnn_graph &graph, const ic_attention_shape &shape)
      : graph(graph), batch(shape.batch), length(shape.length), heads(shape.heads), kv_heads(shape.kv_heads),
        dimension(shape.head_dimension) {}

  // Heads of packed rows in memory.
  Tensor rows(int64_t id, int64_t count, int64_t stride) {
    return graph.tensor(
      id, CUDNN_BFLOAT16, {batch, count, length, dimension}, {length * stride, dimension, stride, 1});
  }
  Tensor transposed_rows(int64_t id, int64_t count, int64_t stride) {
    return graph.tensor(
      id, CUDNN_BFLOAT16, {batch, count, dimension, length}, {length * stride, dimension, 1, stride});
  }
  // One float32 a query, in memory or not (id 0).
  Tensor per_query(int64_t id) {
    return graph.tensor(id, CUDNN_FLOAT32, {batch, heads, length, 1}, {heads * length, length, 1, 1});
  }
  // A row for each query of each query head.
  Tensor per_query_head(int type) {
    return graph.intermediate(
      type, {batch, heads, length, dimension}, {heads * length * dimension, length * dimension, dimension, 1});
  }
  // One value for each query and key.
  Tensor scores(int type = CUDNN_FLOAT32) {
    return graph.intermediate(
      type, {batch, heads, length, length}, {heads * length * length, length * length, length, 1});
  }
  // The same, [keys, queries] in place of [queries, keys].
  Tensor transposed_scores() {
    return graph.intermediate(
      CUDNN_BFLOAT16, {batch, heads, length, length}, {heads * length * length, length * length, 1, length});
  }

  // scores where query ≥ key, else what is masked.
  Tensor causal(Tensor x) {
    Tensor query = scores(CUDNN_INT32), key = scores(CUDNN_INT32), visible = scores(CUDNN_BOOLEAN), y = scores();
    graph.index(query, x, 2);
    graph.index(key, x, 3);
    graph.not_less(visible, query, key);
    graph.pointwise(CUDNN_SELECT, y, x, graph.scalar(IC_ATTENTION_MASKED), visible);
    return y;
  }

  ic_cudnn_graph &graph;
  const int64_t batch, length, heads, kv_heads, dimension;
};

}  // namespace

void ic_attention_forward_graph(ic_cudnn_graph &graph, const ic_attention_shape &shape) {
  Builder build(graph, shape);
  Tensor q = build.rows(IC_ATTENTION_Q, shape.heads, shape.qkv_stride);
  Tensor k = build.transposed_rows(IC_ATTENTION_K, shape.kv_heads, shape.qkv_stride);
  Tensor v = build.rows(IC_ATTENTION_V, shape.kv_heads, shape.qkv_stride);
  Tensor y = build.rows(IC_ATTENTION_Y, shape.heads, shape.y_stride);

  Tensor products = build.scores(), scaled = build.scores();
  graph.matmul(products, q, k);
  graph.pointwise(CUDNN_MULTIPLY, scaled, products, graph.scalar(IC_ATTENTION_SCALE));
  Tensor masked = build.causal(scaled);

  // Softmax, and its log-sum-exp.
  Tensor maximum = build.per_query(0), shifted = build.scores(), exponentials = build.scores();
  Tensor sum = build.per_query(0), logarithm = build.per_query(0);
  Tensor log_sum_exp = build.per_query(IC_ATTENTION_LOG_SUM_EXP);
  Tensor probabilities = build.scores(CUDNN_BFLOAT16);
  graph.reduce(CUDNN_MAXIMUM, maximum, masked);
  graph.pointwise(CUDNN_SUBTRACT, shifted, masked, maximum);
  graph.pointwise(CUDNN_EXP, exponentials, shifted);
  graph.reduce(CUDNN_SUM, sum, exponentials);
  graph.pointwise(CUDNN_LOG, logarithm, sum);
  graph.pointwise(CUDNN_ADD, log_sum_exp, maximum, logarithm);
  graph.pointwise(CUDNN_DIVIDE, probabilities, exponentials, sum);

  graph.matmul(y, probabilities, v);
}

void ic_attention_backward_graph(ic_cudnn_graph &graph, const ic_attention_shape &shape) {
  Builder build(graph, shape);
  Tensor q = build.rows(IC_ATTENTION_Q, shape.heads, shape.qkv_stride);
  Tensor k = build.transposed_rows(IC_ATTENTION_K, shape.kv_heads, shape.qkv_stride);
  Tensor v = build.transposed_rows(IC_ATTENTION_V, shape.kv_heads, shape.qkv_stride);
  Tensor y = build.rows(IC_ATTENTION_Y, shape.heads, shape.y_stride);
  Tensor dy = build.rows(IC_ATTENTION_DY, shape.heads, shape.dy_stride);
  Tensor dq = build.rows(IC_ATTENTION_DQ, shape.heads, shape.dqkv_stride);
  Tensor dk = build.rows(IC_ATTENTION_DK, shape.kv_heads, shape.dqkv_stride);
  Tensor dv = build.rows(IC_ATTENTION_DV, shape.kv_heads, shape.dqkv_stride);
  Tensor log_sum_exp = build.per_query(IC_ATTENTION_LOG_SUM_EXP);
  Tensor scale = graph.scalar(IC_ATTENTION_SCALE);

  // The sums of dy · y, which the softmax's gradient subtracts. The factor of 1 is where dropout would have its own.
  Tensor dy_y = build.per_query_head(CUDNN_FLOAT32);
  Tensor summed = build.per_query(0), dy_y_sums = build.per_query(IC_ATTENTION_DY_Y);
  graph.pointwise(CUDNN_MULTIPLY, dy_y, dy, y);
  graph.reduce(CUDNN_SUM, summed, dy_y);
  graph.pointwise(CUDNN_MULTIPLY, dy_y_sums, summed, graph.scalar(IC_ATTENTION_ONE));

  // The probabilities again.
  Tensor products = build.scores(), scaled = build.scores(), shifted = build.scores();
  graph.matmul(products, q, k);
  graph.pointwise(CUDNN_MULTIPLY, scaled, products, scale);
  graph.pointwise(CUDNN_SUBTRACT, shifted, scaled, log_sum_exp);
  Tensor masked = build.causal(shifted), probabilities = build.scores();
  graph.pointwise(CUDNN_EXP, probabilities, masked);

  // Query heads that share a key head: the gradients of each, then their sum.
  bool grouped = shape.heads != shape.kv_heads;
  Tensor probabilities_transposed = build.transposed_scores();
  graph.reshape(probabilities_transposed, probabilities);
  Tensor dv_heads = grouped ? build.per_query_head(CUDNN_BFLOAT16) : dv;
  graph.matmul(dv_heads, probabilities_transposed, dy);
  if (grouped) graph.reduce(CUDNN_SUM, dv, dv_heads);

  // d scores = probabilities · (dy·vᵀ − sums) · scale
  Tensor d_probabilities = build.scores(), centred = build.scores();
  Tensor weighted = build.scores(), d_scores = build.scores();
  graph.matmul(d_probabilities, dy, v);
  graph.pointwise(CUDNN_SUBTRACT, centred, d_probabilities, dy_y_sums);
  graph.pointwise(CUDNN_MULTIPLY, weighted, centred, probabilities);
  graph.pointwise(CUDNN_MULTIPLY, d_scores, weighted, scale);

  Tensor d_scores_transposed = build.transposed_scores();
  graph.reshape(d_scores_transposed, d_scores);
  Tensor dk_heads = grouped ? build.per_query_head(CUDNN_BFLOAT16) : dk;
  graph.matmul(dk_heads, d_scores_transposed, q);
  if (grouped) graph.reduce(CUDNN_SUM, dk, dk_heads);

  Tensor k_rows = graph.intermediate(
    CUDNN_FLOAT32, {shape.batch, shape.kv_heads, shape.length, shape.head_dimension},
    {shape.length * shape.qkv_stride, shape.head_dimension, shape.qkv_stride, 1});
  graph.reshape(k_rows, k);
  graph.matmul(dq, d_scores, k_rows);
}
