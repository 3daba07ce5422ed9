#include "attention_forward.h"

#include <float.h>
#include <math.h>

typedef struct {
  ck_attention_forward of;
  int64_t block, blocks;  // queries in a block, blocks in a sequence
  ck_tile_multiplier multiply;
} attention;

// y of up to a.block queries of one head, from row `first` of the sequence on.
CK_INLINE void attend_block(const attention *blocked, int64_t sequence, int64_t head, int64_t first, float *scratch) {
  const ck_attention_forward *a = &blocked->of;
  const ck_tile_multiplier multiply = blocked->multiply;
  const int64_t head_dim = a->shape.head_dim, left = a->shape.length - first;
  const int64_t count = left < blocked->block ? left : blocked->block, width = ck_padded(count);
  float *query = scratch, *output = query + ck_padded(head_dim) * width;
  float *scores = output + ck_padded(head_dim) * width, *rescale = scores + ck_block_keys * width;
  ck_lanes maximum[4], total[4];
  // Not −infinity: a window or a document may hide the first keys from some queries, whose weights are then
  // e^(−infinity − maximum).
  for (int v = 0; v < 4; v++) maximum[v] = -FLT_MAX, total[v] = 0.0f;

  const int64_t row = sequence * a->shape.length + first, column = ck_kv_column(&a->shape, head);
  const float *k = a->k + sequence * a->capacity * a->k_stride + column;
  const float *v = a->v + sequence * a->capacity * a->v_stride + column;
  ck_load_columns(
    query, width, a->q + row * a->q_stride + head * head_dim, a->q_stride, count, head_dim, a->shape.scale);

  // Blocks of keys before all queries, then the block of their own positions.
  const int64_t before = a->position + first, first_key = ck_first_key(&a->shape, sequence, before);
  const bool bent = ck_is_bent(&a->shape);
  for (int64_t key = first_key, keys; key < before + count; key += keys) {
    const bool diagonal = key == before;
    keys = diagonal ? count : before - key < ck_block_keys ? before - key : ck_block_keys;
    ck_score(multiply, scores, width, k + key * a->k_stride, a->k_stride, keys, query, head_dim, diagonal);
    for (int64_t vector = 0; vector < width / ck_lane_count; vector++) {
      const int64_t lane = vector * ck_lane_count, visible = ck_visible_keys(keys, vector, diagonal);
      const int64_t distance = key - before - lane;
      if (bent) ck_bend(&a->shape, head, scores + lane, width, visible, distance);
      if (diagonal) ck_mask(scores, width, keys, vector);
      ck_mask_window(&a->shape, scores + lane, width, visible, distance);
      ck_mask_documents(&a->shape, sequence, scores + lane, width, visible, key, before + lane);
      ck_weigh(scores + lane, width, visible, &maximum[vector], &total[vector], rescale + lane);
    }
    ck_combine(
      multiply, output, width, v + key * a->v_stride, a->v_stride, keys, scores, head_dim, diagonal, key > first_key,
      rescale);
  }

  ck_lanes reciprocal[4];
  for (int i = 0; i < 4; i++) reciprocal[i] = 1.0f / total[i];
  ck_store_rows(a->y + row * a->y_stride + head * head_dim, a->y_stride, output, width, count, head_dim, reciprocal);
  if (!a->log_sum_exp) return;
  for (int64_t i = 0; i < count; i++) {
    a->log_sum_exp[(row + i) * a->log_sum_exp_stride + head] =
      maximum[i / ck_lane_count][i % ck_lane_count] + logf(total[i / ck_lane_count][i % ck_lane_count]);
  }
}

// Blocks of a head, the last and largest first, then those of the next head, whose keys may be the same.
CK_CLONES static void attend_blocks(void *context, int64_t begin, int64_t end, int worker) {
  const attention *a = context;
  for (int64_t i = begin; i < end; i++) {
    const int64_t head = i / a->blocks, block = a->blocks - 1 - i % a->blocks;
    attend_block(
      a, head / a->of.shape.heads, head % a->of.shape.heads, block * a->block, ck_pool_scratch(a->of.pool, worker));
  }
}

void ck_attend(const ck_attention_forward *forward) {
  const int64_t block = ck_block_queries(forward->shape.head_dim, 2, 1);
  attention a = {
    .of = *forward, .block = block, .blocks = (forward->shape.length + block - 1) / block,
    .multiply = ck_choose_tile_multiplier()};
  ck_parallel_dynamic(
    forward->pool, forward->shape.batch * forward->shape.heads * a.blocks, 1, attend_blocks, &a);
}

void ck_attention(
  ck_pool *pool, const ck_attention_shape *shape, float *y, int64_t y_stride, float *log_sum_exp,
  int64_t log_sum_exp_stride, const float *qkv, int64_t qkv_stride) {
  const float *k = qkv + shape->heads * shape->head_dim;
  ck_attend(&(ck_attention_forward){
    .shape = *shape, .q = qkv, .k = k, .v = k + shape->kv_heads * shape->head_dim, .q_stride = qkv_stride,
    .k_stride = qkv_stride, .v_stride = qkv_stride, .capacity = shape->length, .y = y, .log_sum_exp = log_sum_exp,
    .y_stride = y_stride, .log_sum_exp_stride = log_sum_exp_stride, .pool = pool});
}
