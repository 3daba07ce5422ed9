// Causal attention that keeps scores in cache-sized tiles (FlashAttention-2: Dao, arXiv 2307.08691).
#pragma once

#include "parallel.h"

/// Rows of packed q (heads·head_dim), k (kv_heads·head_dim) and v (kv_heads·head_dim); `length` of them in each of
/// `batch` sequences. Query head h reads key/value head h / (heads / kv_heads). head_dim is at most 8192.
typedef struct {
  int64_t batch, length, heads, kv_heads, head_dim;
  float scale;          // factor on q·k
  int64_t window;       // keys that a query sees, its own included; INT64_MAX for all before it
  float softcap;        // c of c·tanh(s/c), which scaled scores become; 0 where they stay
  const float *slopes;  // [heads] or NULL: slopes[h]·(j − i) is added to the score of query i and key j (ALiBi)
  // [batch·length, 1], or NULL where a sequence is one document: the position in its sequence, never less than that of
  // the row before, at which the document of each row begins. Its query sees no key before. Not for cached attention.
  const int32_t *document_starts;
  int64_t document_starts_stride;
} ck_attention_shape;

/// y [batch·length, heads·head_dim]; log_sum_exp [batch·length, heads] of the scores, for the backward pass.
void ck_attention(
  ck_pool *pool, const ck_attention_shape *shape, float *y, int64_t y_stride, float *log_sum_exp,
  int64_t log_sum_exp_stride, const float *qkv, int64_t qkv_stride);

/// Sets dqkv, the gradient of qkv, from dy and what the forward pass left.
void ck_attention_backward(
  ck_pool *pool, const ck_attention_shape *shape, float *dqkv, int64_t dqkv_stride, const float *dy, int64_t dy_stride,
  const float *y, int64_t y_stride, const float *log_sum_exp, int64_t log_sum_exp_stride, const float *qkv,
  int64_t qkv_stride);

/// Attention of new rows, at `position` and after, against a cache. Their k and v are written to the cache first: row i
/// of sequence b to row b·capacity + position + i of keys and values [batch·capacity, kv_heads·head_dim].
void ck_attention_cached(
  ck_pool *pool, const ck_attention_shape *shape, float *y, int64_t y_stride, const float *qkv, int64_t qkv_stride,
  float *keys, int64_t keys_stride, float *values, int64_t values_stride, int64_t capacity, int64_t position);

/// What rows of a tree of texts see. By a row (a, b, c, d) of `spans` [N, 4], row i sees rows 0 ..< a of `keys` and
/// `values` [rows, kv_heads·head_dim], rows b ..< c of qkv and rows d … i of qkv, as one text in which these follow one
/// another. d ≤ i and b ≤ c ≤ d: what is out of range counts as the nearest that is not, in the order d, c, b.
typedef struct {
  const int32_t *spans;
  int64_t spans_stride;
  const float *keys, *values;  // NULL where rows is 0
  int64_t keys_stride, values_stride, rows;
} ck_attention_text;

/// Attention of batch·length rows that are leaves of trees of texts, packed one after the other. y as above.
void ck_attention_tree(
  ck_pool *pool, const ck_attention_shape *shape, const ck_attention_text *text, float *y, int64_t y_stride,
  const float *qkv, int64_t qkv_stride);
