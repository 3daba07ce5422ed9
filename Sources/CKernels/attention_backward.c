// Gradients of attention, by blocks of keys that the queries which see them pass by.
//
// Here keys stand in lanes, and scores are [query][key]: of the five products of a block of queries and one of keys,
// only keys and values are needed turned, once for a chunk of queries.
//
// Each element of a gradient is one sum, in the order of keys, or of heads and queries. However the work is split, its
// bits are the same.
#include "attention_block.h"
#include "sizes.h"

enum {
  chunk_floats = 96 << 10,  // of the rows of queries that stay in the second-level cache while keys pass by
  part_blocks = 2,          // blocks of queries of a part of the work, where heads are too few for all threads
};

typedef struct {
  ck_attention_shape shape;
  const float *q, *k, *v, *y, *dy, *log_sum_exp;
  float *dq, *dk, *dv;
  int64_t qkv_stride, dqkv_stride, y_stride, dy_stride, log_sum_exp_stride;
  int64_t block, blocks;  // queries, or keys, in a block; blocks in a sequence
  int64_t chunk;          // queries in a chunk, which is whole blocks
  bool split;             // whether gradients of queries and of keys are separate parts of the work
  ck_tile_multiplier multiply;
  ck_pool *pool;
} attention_backward;

// What is computed at once: gradients of the queries in a range, of the keys in a range, or both.
typedef struct {
  int64_t sequence, first_head, heads;
  int64_t key, end_key, query, end_query;
  bool of_queries, of_keys;
} part;

// A chunk of queries of one head and a block of keys.
typedef struct {
  int64_t sequence, head, padded;  // padded head_dim
  int64_t query, end_query;
  float *q, *dy, *dq;  // [queries][padded]
  float *expected;     // scale · y·dy of each query: the mean gradient of its weights
  int64_t key, keys, width;                // keys, and those rounded up
  float *k_columns, *v_columns;            // [padded][width], with the scale
  float *weights, *dscores, *derivatives;  // [queries of a block][width]; derivatives of the softcap
} workspace;

CK_INLINE void lay_out(const attention_backward *a, workspace *w, float *scratch) {
  const int64_t rows = a->chunk * w->padded, columns = a->block * w->padded, scores = a->block * a->block;
  w->q = scratch;
  w->dy = w->q + rows;
  w->dq = w->dy + rows;
  w->k_columns = w->dq + rows;
  w->v_columns = w->k_columns + columns;
  w->weights = w->v_columns + columns;
  w->dscores = w->weights + scores;
  w->derivatives = w->dscores + scores;
  w->expected = w->derivatives + scores;
}

// Reads the rows of the chunk. Those 16 further on are asked for ahead: rows of one head are too far apart for the
// processor to see the pattern.
CK_INLINE void load_queries(const attention_backward *a, const workspace *w) {
  const int64_t head_dim = a->shape.head_dim, padded = w->padded, count = w->end_query - w->query;
  const int64_t first = w->sequence * a->shape.length + w->query, column = w->head * head_dim;
  for (int64_t i = 0; i < count; i += ck_lane_count) {
    ck_lanes products[ck_lane_count];
    for (int64_t r = 0; r < ck_lane_count; r++) {
      // The last row stands for those that are not there.
      const int64_t index = i + r < count ? i + r : count - 1, row = first + index;
      const float *q = a->q + row * a->qkv_stride + column;
      const float *y = a->y + row * a->y_stride + column, *dy = a->dy + row * a->dy_stride + column;
      ck_lanes sum = 0.0f;
      for (int64_t d = 0; d < head_dim; d += ck_lane_count) {
        ck_lanes x, upstream, result;
        ck_load_first(&x, q + d, head_dim - d, 0);
        ck_load_first(&upstream, dy + d, head_dim - d, 0);
        ck_load_first(&result, y + d, head_dim - d, 0);
        __builtin_prefetch(q + ck_lane_count * a->qkv_stride + d);
        __builtin_prefetch(dy + ck_lane_count * a->dy_stride + d);
        __builtin_prefetch(y + ck_lane_count * a->y_stride + d);
        sum += upstream * result;
        ck_store(w->q + index * padded + d, &x);
        ck_store(w->dy + index * padded + d, &upstream);
      }
      products[r] = sum;
    }
    ck_transpose(products);
    ck_lanes expected = products[0];
    for (int r = 1; r < ck_lane_count; r++) expected += products[r];
    expected *= a->shape.scale;
    ck_store(w->expected + i, &expected);
  }
}

CK_INLINE void store_queries(const attention_backward *a, const workspace *w) {
  const int64_t head_dim = a->shape.head_dim, first = w->sequence * a->shape.length + w->query;
  for (int64_t i = 0; i < w->end_query - w->query; i++) {
    float *dq = a->dq + (first + i) * a->dqkv_stride + w->head * head_dim;
    for (int64_t d = 0; d < head_dim; d += ck_lane_count) {
      ck_lanes x;
      ck_load(&x, w->dq + i * w->padded + d);
      ck_store_first(dq + d, &x, head_dim - d);
    }
  }
}

// Caps the scores of the query that is `distance` before key 0, leaving the derivatives of that, and adds
// slope·distance.
CK_INLINE void bend_row(
  const ck_attention_shape *shape, int64_t head, float *scores, float *derivatives, int64_t vectors, int64_t distance) {
  const ck_lanes lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const float slope = shape->slopes ? shape->slopes[head] : 0;
  for (int64_t key = 0; key < vectors * ck_lane_count; key += ck_lane_count) {
    ck_lanes x, derivative;
    ck_load(&x, scores + key);
    if (shape->softcap > 0) {
      ck_cap_lanes(&x, &derivative, shape->softcap);
      ck_store(derivatives + key, &derivative);
    }
    x += slope * ((float)(distance + key) + lane);
    ck_store(scores + key, &x);
  }
}

// From scores and the gradient of weights to weights = e^(score − log-sum-exp) and the gradient of scores,
// weight·(gradient − y·dy), for one query. If `masked`, it sees the keys first ... last alone.
CK_INLINE void differentiate_row(
  const bool masked, float *scores, float *gradients, int64_t vectors, float log_sum_exp, float expected,
  int32_t first, int32_t last) {
  const ck_lane_integers lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  for (int64_t key = 0; key < vectors * ck_lane_count; key += ck_lane_count) {
    ck_lanes weight, gradient;
    ck_load(&weight, scores + key);
    ck_load(&gradient, gradients + key);
    weight -= log_sum_exp;
    if (masked) {
      weight = lane < first - (int32_t)key ? (ck_lanes)-__builtin_inff() : weight;
      weight = lane > last - (int32_t)key ? (ck_lanes)-__builtin_inff() : weight;
    }
    ck_exp_lanes(&weight);
    gradient = weight * (gradient - expected);
    ck_store(scores + key, &weight);
    ck_store(gradients + key, &gradient);
  }
}

CK_INLINE void differentiate_softcap(float *gradients, const float *derivatives, int64_t vectors) {
  for (int64_t key = 0; key < vectors * ck_lane_count; key += ck_lane_count) {
    ck_lanes x, derivative;
    ck_load(&x, gradients + key);
    ck_load(&derivative, derivatives + key);
    x *= derivative;
    ck_store(gradients + key, &x);
  }
}

// Vectors of keys that queries row ... row + 15 of a block see: all, or up to their own on the diagonal.
CK_INLINE int64_t visible_vectors(const workspace *w, int64_t row, bool diagonal) {
  return diagonal ? row / ck_lane_count + 1 : w->width / ck_lane_count;
}

// From scores and the gradients of weights to weights and the gradients of scores, for `count` queries from `first` on.
CK_INLINE void differentiate_softmax(const attention_backward *a, const workspace *w, int64_t first, int64_t count) {
  const bool diagonal = first == w->key;
  for (int64_t i = 0; i < count; i++) {
    const int64_t vectors = visible_vectors(w, i, diagonal), query = first + i;
    const int64_t hidden = ck_first_key(&a->shape, w->sequence, query) - w->key;
    const float expected = w->expected[query - w->query];
    const float log_sum_exp =
      a->log_sum_exp[(w->sequence * a->shape.length + query) * a->log_sum_exp_stride + w->head];
    float *scores = w->weights + i * w->width, *gradients = w->dscores + i * w->width;
    float *derivatives = w->derivatives + i * w->width;
    if (ck_is_bent(&a->shape)) bend_row(&a->shape, w->head, scores, derivatives, vectors, w->key - query);
    if (diagonal || hidden > 0) {
      differentiate_row(
        true, scores, gradients, vectors, log_sum_exp, expected, hidden > 0 ? (int32_t)hidden : 0,
        diagonal ? (int32_t)i : INT32_MAX);
    } else {
      differentiate_row(false, scores, gradients, vectors, log_sum_exp, expected, 0, 0);
    }
    if (a->shape.softcap > 0) differentiate_softcap(gradients, derivatives, vectors);
  }
}

// Whether queries see less than all keys up to their own.
CK_INLINE bool is_masked(const ck_attention_shape *shape) {
  return shape->window < shape->length || shape->document_starts;
}

// Adds what `count` queries from `first` on, not before the keys, give to gradients. On the diagonal, strips of 16
// queries meet the keys of their own positions and before.
CK_INLINE void differentiate_block(
  const attention_backward *a, const part *part, const workspace *w, int64_t first, int64_t count) {
  const int64_t head_dim = a->shape.head_dim, padded = w->padded, width = w->width, keys = w->keys;
  const bool diagonal = first == w->key;
  const int64_t strip = diagonal ? ck_lane_count : a->block, offset = (first - w->query) * padded;
  const float *q = w->q + offset, *dy = w->dy + offset;
  for (int64_t i = 0; i < count; i += strip) {
    ck_tile_product product = {
      .rows = count - i < strip ? count - i : strip, .columns = visible_vectors(w, i, diagonal) * ck_lane_count,
      .depth = head_dim, .a_row = padded, .a_depth = 1, .ldb = width, .ldc = width};
    product.a = q + i * padded, product.b = w->k_columns, product.c = w->weights + i * width;
    a->multiply(&product);
    product.a = dy + i * padded, product.b = w->v_columns, product.c = w->dscores + i * width;
    a->multiply(&product);
  }
  differentiate_softmax(a, w, first, count);

  const int64_t row = w->sequence * a->shape.length + w->key, column = ck_kv_column(&a->shape, w->head);
  const float *k = a->k + row * a->qkv_stride + column;
  float *dk = a->dk + row * a->dqkv_stride + column, *dv = a->dv + row * a->dqkv_stride + column;
  for (int64_t i = 0; part->of_queries && i < count; i += strip) {
    a->multiply(&(ck_tile_product){
      .rows = count - i < strip ? count - i : strip, .columns = head_dim,
      .depth = diagonal && i + strip < keys ? i + strip : keys, .a = w->dscores + i * width, .a_row = width,
      .a_depth = 1, .b = k, .ldb = a->qkv_stride, .c = w->dq + offset + i * padded, .ldc = padded,
      .add = w->key > 0 || is_masked(&a->shape)});
  }
  for (int64_t i = 0; part->of_keys && i < keys; i += strip) {
    const int64_t skipped = diagonal ? i : 0;
    // The first to see a key is the query of its own position.
    ck_tile_product product = {
      .rows = keys - i < strip ? keys - i : strip, .columns = head_dim, .depth = count - skipped, .a_row = 1,
      .a_depth = width, .ldb = padded, .ldc = a->dqkv_stride, .add = !diagonal || w->head != part->first_head};
    product.a = w->dscores + skipped * width + i, product.b = q + skipped * padded, product.c = dk + i * product.ldc;
    a->multiply(&product);
    product.a = w->weights + skipped * width + i, product.b = dy + skipped * padded, product.c = dv + i * product.ldc;
    a->multiply(&product);
  }
}

// A block of keys meets the chunk of queries.
CK_INLINE void differentiate_keys(const attention_backward *a, const part *part, workspace *w) {
  const int64_t left = a->shape.length - w->key;
  w->keys = left < a->block ? left : a->block;
  w->width = ck_padded(w->keys);
  const int64_t row = w->sequence * a->shape.length + w->key, column = ck_kv_column(&a->shape, w->head);
  const float *k = a->k + row * a->qkv_stride + column, *v = a->v + row * a->qkv_stride + column;
  ck_load_columns(w->k_columns, w->width, k, a->qkv_stride, w->keys, a->shape.head_dim, a->shape.scale);
  ck_load_columns(w->v_columns, w->width, v, a->qkv_stride, w->keys, a->shape.head_dim, a->shape.scale);
  for (int64_t first = w->query > w->key ? w->query : w->key; first < w->end_query; first += a->block) {
    int64_t count = w->end_query - first < a->block ? w->end_query - first : a->block;
    // What the last queries see may begin after these keys.
    while (count > 0 && ck_first_key(&a->shape, w->sequence, first + count - 1) >= w->key + w->keys) count--;
    if (count == 0) break;
    differentiate_block(a, part, w, first, count);
  }
}

CK_INLINE void differentiate_part(const attention_backward *a, const part *part, float *scratch) {
  workspace w = {.sequence = part->sequence, .padded = ck_padded(a->shape.head_dim)};
  lay_out(a, &w, scratch);
  for (w.head = part->first_head; w.head < part->first_head + part->heads; w.head++) {
    for (w.query = part->query; w.query < part->end_query; w.query = w.end_query) {
      const int64_t left = part->end_query - w.query;
      w.end_query = w.query + (left < a->chunk ? left : a->chunk);
      const int64_t first_key = ck_first_key(&a->shape, w.sequence, w.query) / a->block * a->block;
      if (first_key >= part->end_key) break;
      load_queries(a, &w);
      // Which keys a query sees first, and has its gradient set by, depends on the query then.
      if (part->of_queries && is_masked(&a->shape)) {
        memset(w.dq, 0, (size_t)((w.end_query - w.query) * w.padded) * sizeof(float));
      }
      w.key = first_key > part->key ? first_key : part->key;
      for (; w.key < part->end_key && w.key < w.end_query; w.key += a->block) differentiate_keys(a, part, &w);
      if (part->of_queries) store_queries(a, &w);
    }
  }
}

// Parts in which gradients of queries and keys share their scores: all heads that read one key/value head.
CK_INLINE part shared_part(const attention_backward *a, int64_t index) {
  const int64_t kv_heads = a->shape.kv_heads, group = a->shape.heads / kv_heads;
  return (part){
    .sequence = index / kv_heads, .first_head = index % kv_heads * group, .heads = group,
    .end_key = a->shape.length, .end_query = a->shape.length, .of_queries = true, .of_keys = true};
}

// The keys of one block.
CK_INLINE part keys_part(const attention_backward *a, int64_t index) {
  part part = shared_part(a, index / a->blocks);
  part.of_queries = false;
  part.key = part.query = index % a->blocks * a->block;
  part.end_key = ck_least(part.key + a->block, a->shape.length);
  return part;
}

// A few blocks of queries of one head; the last, which see most keys, first.
CK_INLINE part queries_part(const attention_backward *a, int64_t index) {
  const int64_t parts = (a->blocks + part_blocks - 1) / part_blocks, head = index / parts;
  const int64_t query = (parts - 1 - index % parts) * part_blocks * a->block;
  const int64_t end = ck_least(query + part_blocks * a->block, a->shape.length);
  return (part){
    .sequence = head / a->shape.heads, .first_head = head % a->shape.heads, .heads = 1, .end_key = end, .query = query,
    .end_query = end, .of_queries = true};
}

CK_CLONES static void differentiate_parts(void *context, int64_t begin, int64_t end, int worker) {
  const attention_backward *a = context;
  const int64_t keys_parts = a->shape.batch * a->shape.kv_heads * a->blocks;
  for (int64_t i = begin; i < end; i++) {
    const part part =
      !a->split ? shared_part(a, i) : i < keys_parts ? keys_part(a, i) : queries_part(a, i - keys_parts);
    differentiate_part(a, &part, ck_pool_scratch(a->pool, worker));
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
    .dy_stride = dy_stride, .log_sum_exp_stride = log_sum_exp_stride, .block = ck_block_queries(shape->head_dim, 5, 3),
    .multiply = ck_choose_tile_multiplier(), .pool = pool};
  a.blocks = (shape->length + a.block - 1) / a.block;
  const int64_t chunk_blocks = chunk_floats / (3 * a.block * ck_padded(shape->head_dim));
  a.chunk = (chunk_blocks > 1 ? chunk_blocks : 1) * a.block;
  // Apart, gradients of queries and of keys take seven products instead of five, but keep more threads busy.
  const int64_t heads = shape->batch * shape->kv_heads, threads = ck_pool_threads(pool);
  a.split = 5 * ((heads + threads - 1) / threads * threads) > 7 * heads;
  const int64_t parts =
    a.split ? heads * a.blocks + shape->batch * shape->heads * ((a.blocks + part_blocks - 1) / part_blocks) : heads;
  ck_parallel_dynamic(pool, parts, 1, differentiate_parts, &a);
}
