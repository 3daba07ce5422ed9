// The functions of the table; table.cu puts them together. See inheritune_cuda.h for what they mean.
#pragma once

#include "context.cuh"

// matmul_cublaslt.cu, or emulation/matmul.cpp
ic_status ic_matmul(
  ic_context *, ic_tensor c, ic_tensor a, ic_tensor b, int32_t transpose_a, int32_t transpose_b,
  ic_accumulation accumulate, ic_tensor bias);
// bias_gradient.cu
ic_status ic_bias_gradient(ic_context *, ic_tensor d_bias, ic_tensor dy);

// embedding.cu
ic_status ic_gather_rows(
  ic_context *, ic_tensor y, ic_tensor indices, ic_tensor table, ic_tensor positions, int64_t length, float scale);
ic_status ic_gather_rows_backward(
  ic_context *, ic_tensor d_table, ic_tensor d_positions, ic_tensor dy, ic_tensor indices, int64_t length,
  float scale);

// norm.cu
ic_status ic_norm(
  ic_context *, ic_tensor y, ic_tensor statistics, ic_tensor sum, ic_tensor x, ic_tensor delta, ic_tensor weight,
  ic_tensor bias, ic_norm_spec spec);
ic_status ic_norm_backward(
  ic_context *, ic_tensor dx, ic_tensor d_weight, ic_tensor d_bias, ic_tensor dy, ic_tensor x, ic_tensor weight,
  ic_tensor statistics, ic_norm_spec spec, ic_accumulation accumulate);

// head_norm.cu
ic_status ic_head_norm(
  ic_context *, ic_tensor y, ic_tensor statistics, ic_tensor x, ic_tensor query_weight, ic_tensor key_weight,
  ic_head_norm_spec spec);
ic_status ic_head_norm_backward(
  ic_context *, ic_tensor dx, ic_tensor d_query_weight, ic_tensor d_key_weight, ic_tensor dy, ic_tensor x,
  ic_tensor query_weight, ic_tensor key_weight, ic_tensor statistics, ic_head_norm_spec spec);

// rope.cu
ic_status ic_rope(ic_context *, ic_tensor x, ic_tensor table, ic_rope_spec spec, int32_t inverse);

// attention.cu
ic_status ic_attention(
  ic_context *, ic_tensor y, ic_tensor log_sum_exp, ic_tensor qkv, ic_tensor slopes, ic_tensor document_starts,
  ic_attention_spec spec);
// attention_backward.cu
ic_status ic_attention_backward(
  ic_context *, ic_tensor dqkv, ic_tensor dy, ic_tensor y, ic_tensor log_sum_exp, ic_tensor qkv, ic_tensor slopes,
  ic_tensor document_starts, ic_attention_spec spec);
// attention_cached.cu
ic_status ic_attention_cached(
  ic_context *, ic_tensor y, ic_tensor qkv, ic_tensor keys, ic_tensor values, ic_tensor slopes, int64_t capacity,
  ic_attention_spec spec);
// attention_tree.cu
ic_status ic_attention_tree(
  ic_context *, ic_tensor y, ic_tensor qkv, ic_tensor prefix_keys, ic_tensor prefix_values, ic_tensor spans,
  ic_tensor slopes, ic_attention_spec spec);

// pointwise.cu
ic_status ic_activate(ic_context *, ic_tensor y, ic_tensor x, ic_activation kind);
ic_status ic_activate_backward(ic_context *, ic_tensor dx, ic_tensor dy, ic_tensor x, ic_activation kind);
ic_status ic_gated(ic_context *, ic_tensor y, ic_tensor gate_up, ic_activation kind);
ic_status ic_gated_backward(ic_context *, ic_tensor d_gate_up, ic_tensor dy, ic_tensor gate_up, ic_activation kind);
ic_status ic_add(ic_context *, ic_tensor y, ic_tensor a, ic_tensor b);
ic_status ic_copy(ic_context *, ic_tensor y, ic_tensor x);
ic_status ic_fill(ic_context *, ic_tensor y, float value);

// loss.cu
ic_status ic_cross_entropy(
  ic_context *, ic_tensor losses, ic_tensor logits, ic_tensor targets, float softcap, int32_t gradient);
ic_status ic_log_probabilities(
  ic_context *, ic_tensor scores, ic_tensor greedy, ic_tensor logits, ic_tensor targets, float softcap);

// optimizer.cu
ic_status ic_sum_of_squares(ic_context *, ic_tensor out, ic_tensor x);
ic_status ic_adamw(
  ic_context *, ic_tensor parameters, ic_tensor master, ic_tensor gradients, ic_tensor m, ic_tensor v,
  ic_tensor squared_norm, ic_adamw_spec spec);

// The engines behind matmul and attention. Created with the context; `create` fails with words in the context's error.
// matmul_cublaslt.cu, or emulation/matmul.cpp
ic_status ic_matmul_engine_create(ic_context *, const ic_context_options *);
void ic_matmul_engine_destroy(ic_context *);
void ic_matmul_engine_describe(ic_context *, char *words, size_t capacity);
// attention_cudnn.cu, or emulation/attention_engine.cpp: cuDNN where it serves. Its absence is no error.
ic_status ic_attention_engine_create(ic_context *, const ic_context_options *);
void ic_attention_engine_destroy(ic_context *);
void ic_attention_engine_describe(ic_context *, char *words, size_t capacity);
// IC_UNSUPPORTED (without an error being set) where the engine does not serve this shape: the caller's own kernels do.
ic_status ic_attention_engine_forward(
  ic_context *, ic_tensor y, ic_tensor log_sum_exp, ic_tensor qkv, ic_tensor slopes, ic_tensor document_starts,
  ic_attention_spec spec);
ic_status ic_attention_engine_backward(
  ic_context *, ic_tensor dqkv, ic_tensor dy, ic_tensor y, ic_tensor log_sum_exp, ic_tensor qkv, ic_tensor slopes,
  ic_tensor document_starts, ic_attention_spec spec);
