// Attention of queries to keys and values wherever those are.
#pragma once

#include "attention_block.h"

typedef struct {
  ck_attention_shape shape;
  const float *q, *k, *v;
  int64_t q_stride, k_stride, v_stride;
  int64_t capacity;        // rows of a sequence in k and v
  int64_t position;        // of the first query
  float *y, *log_sum_exp;  // log_sum_exp may be NULL
  int64_t y_stride, log_sum_exp_stride;
  ck_pool *pool;
} ck_attention_forward;

/// Every query to the keys of its position and before that its window reaches, in blocks of queries.
void ck_attend(const ck_attention_forward *attention);
