#include "attention_block.h"

typedef struct {
  ck_attention_shape shape;
  const float *q, *k, *v, *y, *dy, *log_sum_exp;
  float *dq, *dk, *dv;
  int64_t qkv_stride, dqkv_stride, y_stride, dy_stride, log_sum_exp_stride;
  int64_t block;  // queries in a block
  ck_tile_multiplier multiply;
  ck_pool *pool;
} attention_backward;

// Tiles of one block of queries, `count` of them and zeros up to `width`.
typedef struct {
  int64_t count, width, padded;  // padded head_dim
  float *q, *dy;                 // [width][padded], q with the scale
  float *q_columns, *dy_columns, *dq_columns;  // [padded][width]
  float *weights, *dscores, *derivatives;  // [ck_block_keys][width]; derivatives of the softcap
  float *log_sum_exp, *expected; // [width]; expected is y·dy, the mean gradient of a row's weights
} query_block;

CK_INLINE void lay_out(query_block *block, float *scratch) {
  const int64_t tile = block->padded * block->width, scores = ck_block_keys * block->width;
  block->q = scratch;
  block->dy = block->q + tile;
  block->q_columns = block->dy + tile;
  block->dy_columns = block->q_columns + tile;
  block->dq_columns = block->dy_columns + tile;
  block->weights = block->dq_columns + tile;
  block->dscores = block->weights + scores;
  block->derivatives = block->dscores + scores;
  block->log_sum_exp = block->derivatives + scores;
  block->expected = block->log_sum_exp + block->width;
}

CK_INLINE void load_block(const attention_backward *a, query_block *block, int64_t row, int64_t head) {
  const int64_t head_dim = a->shape.head_dim, padded = block->padded;
  for (int64_t i = 0; i < block->count; i++) {
    const float *q = a->q + (row + i) * a->qkv_stride + head * head_dim;
    const float *y = a->y + (row + i) * a->y_stride + head * head_dim;
    const float *dy = a->dy + (row + i) * a->dy_stride + head * head_dim;
    ck_lanes expected = 0.0f;
    for (int64_t d = 0; d < head_dim; d += ck_lane_count) {
      ck_lanes x, upstream, result;
      ck_load_first(&x, q + d, head_dim - d, 0);
      ck_load_first(&upstream, dy + d, head_dim - d, 0);
      ck_load_first(&result, y + d, head_dim - d, 0);
      expected += upstream * result;
      x *= a->shape.scale;
      ck_store(block->q + i * padded + d, &x);
      ck_store(block->dy + i * padded + d, &upstream);
    }
    block->expected[i] = (float)ck_sum(&expected);
    block->log_sum_exp[i] = a->log_sum_exp[(row + i) * a->log_sum_exp_stride + head];
  }
  for (int64_t i = block->count; i < block->width; i++) block->expected[i] = block->log_sum_exp[i] = 0;
  ck_load_columns(block->q_columns, block->width, block->q, padded, block->count, padded, 1);
  ck_load_columns(block->dy_columns, block->width, block->dy, padded, block->count, padded, 1);
}

// From scores and the gradient of weights to weights = e^(score − log-sum-exp) and the gradient of scores,
// weight·(gradient − y·dy), for 16 queries.
CK_INLINE void differentiate_softmax(const query_block *block, int64_t keys, int64_t lane) {
  ck_lanes log_sum_exp, expected;
  ck_load(&log_sum_exp, block->log_sum_exp + lane);
  ck_load(&expected, block->expected + lane);
  for (int64_t key = 0; key < keys; key++) {
    ck_lanes weight, gradient;
    ck_load(&weight, block->weights + key * block->width + lane);
    ck_load(&gradient, block->dscores + key * block->width + lane);
    weight -= log_sum_exp;
    ck_exp_lanes(&weight);
    gradient = weight * (gradient - expected);
    ck_store(block->weights + key * block->width + lane, &weight);
    ck_store(block->dscores + key * block->width + lane, &gradient);
  }
}

// From the gradient of capped scores to that of scores, for 16 queries.
CK_INLINE void differentiate_softcap(const query_block *block, int64_t keys, int64_t lane) {
  for (int64_t key = 0; key < keys; key++) {
    ck_lanes gradient, derivative;
    ck_load(&gradient, block->dscores + key * block->width + lane);
    ck_load(&derivative, block->derivatives + key * block->width + lane);
    gradient *= derivative;
    ck_store(block->dscores + key * block->width + lane, &gradient);
  }
}

// rows[key] = or += Σ weights[key][query]·queries[query] over the queries that see the key.
CK_INLINE void scatter(
  const attention_backward *a, const query_block *block, float *rows, int64_t keys, const float *weights,
  const float *queries, bool diagonal, bool add) {
  const int64_t strip = diagonal ? ck_lane_count : keys;
  for (int64_t key = 0; key < keys; key += strip) {
    const int64_t query = diagonal ? key : 0;
    a->multiply(&(ck_tile_product){
      .rows = keys - key < strip ? keys - key : strip, .columns = a->shape.head_dim, .depth = block->count - query,
      .a = weights + key * block->width + query, .a_row = block->width, .a_depth = 1,
      .b = queries + query * block->padded, .ldb = block->padded, .c = rows + key * a->dqkv_stride,
      .ldc = a->dqkv_stride, .add = add});
  }
}

// What the queries of one block give to their own dq, and to dk and dv of the keys they see. The first block to see a
// key, which is that of its own position, sets its gradients.
CK_INLINE void differentiate_block(
  const attention_backward *a, int64_t sequence, int64_t head, int64_t first, bool first_head, float *scratch) {
  const int64_t head_dim = a->shape.head_dim, left = a->shape.length - first;
  query_block block = {.count = left < a->block ? left : a->block, .padded = ck_padded(head_dim)};
  block.width = ck_padded(block.count);
  lay_out(&block, scratch);
  const int64_t start = sequence * a->shape.length;
  load_block(a, &block, start + first, head);

  const int64_t column = ck_kv_column(&a->shape, head), first_key = ck_first_key(&a->shape, sequence, first);
  const bool bent = ck_is_bent(&a->shape);
  for (int64_t key = first_key, keys; key < first + block.count; key += keys) {
    const bool diagonal = key == first;
    keys = diagonal ? block.count : first - key < ck_block_keys ? first - key : ck_block_keys;
    const float *k = a->k + (start + key) * a->qkv_stride + column;
    const float *v = a->v + (start + key) * a->qkv_stride + column;
    float *dk = a->dk + (start + key) * a->dqkv_stride + column;
    float *dv = a->dv + (start + key) * a->dqkv_stride + column;

    ck_score(
      a->multiply, block.weights, block.width, k, a->qkv_stride, keys, block.q_columns, head_dim, diagonal);
    ck_score(
      a->multiply, block.dscores, block.width, v, a->qkv_stride, keys, block.dy_columns, head_dim, diagonal);
    for (int64_t vector = 0; vector < block.width / ck_lane_count; vector++) {
      const int64_t lane = vector * ck_lane_count, visible = ck_visible_keys(keys, vector, diagonal);
      const int64_t distance = key - first - lane;
      float *scores = block.weights + lane;
      if (bent) ck_bend(&a->shape, head, scores, block.derivatives + lane, block.width, visible, distance);
      if (diagonal) ck_mask(block.weights, block.width, keys, vector);
      ck_mask_window(&a->shape, scores, block.width, visible, distance);
      ck_mask_documents(&a->shape, sequence, scores, block.width, visible, key, first + lane);
      differentiate_softmax(&block, visible, lane);
      if (a->shape.softcap > 0) differentiate_softcap(&block, visible, lane);
    }
    ck_combine(
      a->multiply, block.dq_columns, block.width, k, a->qkv_stride, keys, block.dscores, head_dim, diagonal,
      key > first_key, NULL);
    const bool add = !(diagonal && first_head);
    scatter(a, &block, dk, keys, block.dscores, block.q, diagonal, add);
    scatter(a, &block, dv, keys, block.weights, block.dy, diagonal, add);
  }

  ck_lanes scale[4];
  for (int i = 0; i < 4; i++) scale[i] = a->shape.scale;
  ck_store_rows(
    a->dq + (start + first) * a->dqkv_stride + head * head_dim, a->dqkv_stride, block.dq_columns, block.width,
    block.count, head_dim, scale);
}

// Everything that adds to the gradients of one key/value head, in a fixed order.
CK_CLONES static void differentiate_heads(void *context, int64_t begin, int64_t end, int worker) {
  const attention_backward *a = context;
  const int64_t group = a->shape.heads / a->shape.kv_heads;
  for (int64_t i = begin; i < end; i++) {
    const int64_t sequence = i / a->shape.kv_heads, first_head = i % a->shape.kv_heads * group;
    for (int64_t head = first_head; head < first_head + group; head++) {
      for (int64_t first = 0; first < a->shape.length; first += a->block) {
        differentiate_block(a, sequence, head, first, head == first_head, ck_pool_scratch(a->pool, worker));
      }
    }
  }
}

void ck_attention_backward(
  ck_pool *pool, const ck_attention_shape *shape, float *dqkv, int64_t dqkv_stride, const float *dy, int64_t dy_stride,
  const float *y, int64_t y_stride, const float *log_sum_exp, int64_t log_sum_exp_stride, const float *qkv,
  int64_t qkv_stride) {
  const int64_t k = shape->heads * shape->head_dim, v = k + shape->kv_heads * shape->head_dim;
  attention_backward a = {
    .shape = *shape, .q = qkv, .k = qkv + k, .v = qkv + v, .y = y, .dy = dy, .log_sum_exp = log_sum_exp, .dq = dqkv,
    .dk = dqkv + k, .dv = dqkv + v, .qkv_stride = qkv_stride, .dqkv_stride = dqkv_stride, .y_stride = y_stride,
    .dy_stride = dy_stride, .log_sum_exp_stride = log_sum_exp_stride,
    .block = ck_block_queries(shape->head_dim, 5, 3), .multiply = ck_choose_tile_multiplier(), .pool = pool};
  ck_parallel_dynamic(pool, shape->batch * shape->kv_heads, 1, differentiate_heads, &a);
}
