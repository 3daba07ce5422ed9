// Attention of rows that are leaves of trees of texts, packed one after the other.
//
// Rows that follow one another and see the same prefix and the same shared rows are one block, whatever their own texts
// are: the branches of a tree fill the lanes together against all that they have in common. Of their own texts, which
// lie along the diagonal, only tiles of 16 × 16 in which some query sees some key are computed.

#include "attention_forward.h"
#include "attention_row.h"

#include <float.h>
#include <string.h>

enum {
  fewest_block_rows = 4,  // fewer queries leave most lanes empty: they go one by one, lanes along head_dim
  neighbours = 8,         // blocks whose rows stay in cache from one head to the next, as a head's prefix does among them
};

// What a row sees.
typedef struct {
  int64_t prefix;      // rows 0 ..< prefix of the cache
  int64_t begin, end;  // rows begin ..< end of qkv, shared with others
  int64_t own;         // rows own … of qkv, up to itself
} span;

typedef struct {
  int64_t row, count;
} row_block;

typedef struct {
  ck_attention_shape shape;
  ck_attention_text text;
  const float *q, *k, *v;
  int64_t qkv_stride;
  float *y;
  int64_t y_stride, rows;
  int64_t most_rows;  // of a block
  row_block *blocks;
  int64_t block_count;
  ck_tile_multiplier multiply;
  ck_pool *pool;
} tree;

// Rows that follow one another in memory and in the text of a query.
typedef struct {
  const float *k, *v;  // row 0
  int64_t k_stride, v_stride;
  int64_t begin, end;
} stretch;

CK_INLINE int64_t clamp(int64_t x, int64_t most) { return x < 0 ? 0 : x < most ? x : most; }

CK_INLINE span span_of(const tree *t, int64_t row) {
  const int32_t *given = t->text.spans + row * t->text.spans_stride;
  span s = {.prefix = clamp(given[0], t->text.rows), .own = clamp(given[3], row)};
  s.end = clamp(given[2], s.own);
  s.begin = clamp(given[1], s.end);
  // Nothing is the same wherever it is.
  if (s.begin == s.end) s.begin = s.end = 0;
  return s;
}

// Position of a row in its own text.
CK_INLINE int64_t position_of(span s, int64_t row) { return s.prefix + (s.end - s.begin) + (row - s.own); }

CK_INLINE stretch prefix_of(const tree *t, span s, int64_t column) {
  return (stretch){
    .k = t->text.keys + column, .v = t->text.values + column, .k_stride = t->text.keys_stride,
    .v_stride = t->text.values_stride, .begin = 0, .end = s.prefix};
}

CK_INLINE stretch packed_rows(const tree *t, int64_t begin, int64_t end, int64_t column) {
  return (stretch){
    .k = t->k + column, .v = t->v + column, .k_stride = t->qkv_stride, .v_stride = t->qkv_stride, .begin = begin,
    .end = end};
}

// MARK: Blocks of queries

// The queries of one head of a block, and what is known of their attention so far.
typedef struct {
  row_block block;
  int64_t head, width;
  float *query, *output, *scores, *rescale;
  ck_lanes maximum[4], total[4];
} queries;

// How a stretch looks to the queries of a block, the last of which stands for the lanes that none fills.
typedef struct {
  int32_t at[64];      // the row that each query would be itself, if the stretch went on to it
  int32_t first[64];   // the first row that it sees
  int64_t reach[4];    // of 16 queries and all after them, the first row that any sees
  int64_t settled[4];  // of 16 queries, the first row that all see
} stretch_view;

// From the queries' own beginnings of a stretch, in `first`, and `at`.
CK_INLINE void complete(stretch_view *view, const ck_attention_shape *shape, int64_t count, int64_t width) {
  const int32_t behind = shape->window < INT32_MAX ? (int32_t)shape->window - 1 : INT32_MAX;
  for (int64_t i = count; i < width; i++) view->at[i] = view->at[count - 1], view->first[i] = view->first[count - 1];
  for (int64_t i = 0; i < width; i++) {
    const int32_t reached = view->at[i] - behind;
    view->first[i] = reached > view->first[i] ? reached : view->first[i];
  }
  int32_t reach = INT32_MAX;
  for (int64_t vector = width / ck_lane_count - 1; vector >= 0; vector--) {
    const int32_t *first = view->first + vector * ck_lane_count;
    int32_t settled = 0;
    for (int i = 0; i < ck_lane_count; i++) {
      reach = first[i] < reach ? first[i] : reach;
      settled = first[i] > settled ? first[i] : settled;
    }
    view->reach[vector] = reach;
    view->settled[vector] = settled;
  }
}

// How many vectors of queries, from the first on, may see rows before `end`.
CK_INLINE int64_t reaching(const stretch_view *view, int64_t width, int64_t end) {
  int64_t vectors = width / ck_lane_count;
  while (vectors > 0 && view->reach[vectors - 1] >= end) vectors--;
  return vectors;
}

// Adjusts the scores of 16 queries and hides those of keys that a query does not see. `row` is that of the first key.
CK_INLINE void adjust(
  const tree *t, const queries *q, const stretch_view *view, int64_t vector, float *scores, int64_t row, int64_t keys) {
  const int64_t lane = vector * ck_lane_count;
  if (ck_is_bent(&t->shape)) {
    ck_lane_integers at;
    memcpy(&at, view->at + lane, sizeof at);
    const ck_lanes distances = __builtin_convertvector((int32_t)row - at, ck_lanes);
    ck_bend_lanes(&t->shape, q->head, scores, q->width, keys, &distances);
  }
  ck_lane_integers first;
  memcpy(&first, view->first + lane, sizeof first);
  for (int64_t key = 0; key < keys && row + key < view->settled[vector]; key++) {
    ck_lanes x;
    ck_load(&x, scores + key * q->width);
    x = first > (int32_t)(row + key) ? (ck_lanes)-__builtin_inff() : x;
    ck_store(scores + key * q->width, &x);
  }
}

// From scores of 16 queries to their weights.
CK_INLINE void weigh(queries *q, int64_t vector, float *scores, int64_t keys) {
  float *rescale = q->rescale + vector * ck_lane_count;
  ck_weigh(scores, q->width, keys, &q->maximum[vector], &q->total[vector], rescale);
}

// scores[key][query] of the rows from `row` on, for some vectors of queries.
CK_INLINE void score(
  const tree *t, queries *q, const stretch *s, int64_t row, int64_t keys, float *scores, int64_t vector,
  int64_t vectors) {
  const int64_t lane = vector * ck_lane_count;
  t->multiply(&(ck_tile_product){
    .rows = keys, .columns = vectors * ck_lane_count, .depth = t->shape.head_dim, .a = s->k + row * s->k_stride,
    .a_row = s->k_stride, .a_depth = 1, .b = q->query + lane, .ldb = q->width, .c = scores + lane, .ldc = q->width});
}

// Adds the values of the rows from `row` on to the outputs of some vectors of queries.
CK_INLINE void combine(
  const tree *t, queries *q, const stretch *s, int64_t row, int64_t keys, const float *scores, int64_t vector,
  int64_t vectors) {
  const int64_t lane = vector * ck_lane_count;
  t->multiply(&(ck_tile_product){
    .rows = t->shape.head_dim, .columns = vectors * ck_lane_count, .depth = keys, .a = s->v + row * s->v_stride,
    .a_row = 1, .a_depth = s->v_stride, .b = scores + lane, .ldb = q->width, .c = q->output + lane, .ldc = q->width,
    .add = true, .scale = q->rescale + lane});
}

// Rows that come before all queries.
CK_INLINE void attend_before(const tree *t, queries *q, const stretch *s, const stretch_view *view) {
  for (int64_t row = view->reach[0], keys; row < s->end; row += keys) {
    keys = s->end - row < ck_block_keys ? s->end - row : ck_block_keys;
    const int64_t vectors = reaching(view, q->width, row + keys);
    score(t, q, s, row, keys, q->scores, 0, vectors);
    for (int64_t vector = 0; vector < vectors; vector++) {
      float *scores = q->scores + vector * ck_lane_count;
      adjust(t, q, view, vector, scores, row, keys);
      weigh(q, vector, scores, keys);
    }
    combine(t, q, s, row, keys, q->scores, 0, vectors);
  }
}

// The rows of the queries themselves.
CK_INLINE void attend_diagonal(const tree *t, queries *q, const stretch *s, const stretch_view *view) {
  const int64_t row = q->block.row, count = q->block.count, width = q->width;
  for (int64_t key = 0; key < count; key += ck_lane_count) {
    const int64_t keys = count - key < ck_lane_count ? count - key : ck_lane_count, vector = key / ck_lane_count;
    score(
      t, q, s, row + key, keys, q->scores + key * width, vector, reaching(view, width, row + key + keys) - vector);
  }
  for (int64_t vector = 0; vector < width / ck_lane_count; vector++) {
    const int64_t hidden = view->reach[vector] - row;
    const int64_t key = hidden > 0 ? hidden / ck_lane_count * ck_lane_count : 0;
    const int64_t keys = ck_visible_keys(count, vector, true) - key;
    float *scores = q->scores + key * width + vector * ck_lane_count;
    adjust(t, q, view, vector, scores, row + key, keys);
    ck_mask(q->scores, width, count, vector);
    weigh(q, vector, scores, keys);
  }
  for (int64_t key = 0; key < count; key += ck_lane_count) {
    const int64_t keys = count - key < ck_lane_count ? count - key : ck_lane_count, vector = key / ck_lane_count;
    const int64_t vectors = reaching(view, width, row + key + keys) - vector;
    combine(t, q, s, row + key, keys, q->scores + key * width, vector, vectors);
    // The outputs of these are relative to their maximum now.
    for (int64_t i = 0; i < vectors * ck_lane_count; i++) q->rescale[key + i] = 1;
  }
}

CK_INLINE void attend_block(const tree *t, row_block block, int64_t head, float *scratch) {
  const int64_t head_dim = t->shape.head_dim, padded = ck_padded(head_dim), width = ck_padded(block.count);
  queries q = {.block = block, .head = head, .width = width, .query = scratch};
  q.output = q.query + padded * width;
  q.scores = q.output + padded * width;
  q.rescale = q.scores + ck_block_keys * width;
  // Not −infinity: the first keys may be hidden from some queries, whose weights are then e^(−infinity − maximum).
  for (int v = 0; v < 4; v++) q.maximum[v] = -FLT_MAX, q.total[v] = 0.0f;
  memset(q.output, 0, (size_t)(padded * width) * sizeof(float));
  ck_load_columns(
    q.query, width, t->q + block.row * t->qkv_stride + head * head_dim, t->qkv_stride, block.count, head_dim,
    t->shape.scale);

  const int64_t column = ck_kv_column(&t->shape, head);
  const span common = span_of(t, block.row);
  stretch_view view;
  int32_t positions[64], starts[64];
  for (int64_t i = 0; i < block.count; i++) {
    const span own = span_of(t, block.row + i);
    positions[i] = (int32_t)position_of(own, block.row + i);
    starts[i] = (int32_t)own.own;
  }
  if (common.prefix > 0) {
    for (int64_t i = 0; i < block.count; i++) view.at[i] = positions[i], view.first[i] = 0;
    complete(&view, &t->shape, block.count, width);
    const stretch s = prefix_of(t, common, column);
    attend_before(t, &q, &s, &view);
  }
  if (common.end > common.begin) {
    const int32_t begin = (int32_t)common.begin, before = (int32_t)common.prefix - begin;
    for (int64_t i = 0; i < block.count; i++) view.at[i] = positions[i] - before, view.first[i] = begin;
    complete(&view, &t->shape, block.count, width);
    const stretch s = packed_rows(t, common.begin, common.end, column);
    attend_before(t, &q, &s, &view);
  }
  for (int64_t i = 0; i < block.count; i++) view.at[i] = (int32_t)(block.row + i), view.first[i] = starts[i];
  complete(&view, &t->shape, block.count, width);
  const stretch s = packed_rows(t, 0, block.row, column);
  attend_before(t, &q, &s, &view);
  attend_diagonal(t, &q, &s, &view);

  ck_lanes reciprocal[4];
  for (int i = 0; i < 4; i++) reciprocal[i] = 1.0f / q.total[i];
  ck_store_rows(
    t->y + block.row * t->y_stride + head * head_dim, t->y_stride, q.output, width, block.count, head_dim, reciprocal);
}

// MARK: Single queries

// Rows of a stretch, the first of which is at `position` of the text, for the query at `end` of the text.
CK_INLINE void attend_stretch(
  const tree *t, int64_t head, const float *q, float *output, ck_running *state, stretch s, int64_t position,
  int64_t end) {
  const int64_t hidden = end - t->shape.window + 1 - position;
  for (int64_t row = s.begin + (hidden > 0 ? hidden : 0), keys; row < s.end; row += keys) {
    keys = s.end - row < ck_block_keys ? s.end - row : ck_block_keys;
    ck_attend_keys(
      &t->shape, head, state, output, q, s.k + row * s.k_stride, s.k_stride, s.v + row * s.v_stride, s.v_stride, keys,
      position + (row - s.begin) - end);
  }
}

CK_INLINE void attend_row(const tree *t, int64_t row, int64_t head, float *output) {
  const int64_t head_dim = t->shape.head_dim, column = ck_kv_column(&t->shape, head);
  const span s = span_of(t, row);
  const int64_t shared = s.prefix, own = shared + (s.end - s.begin), end = position_of(s, row);
  const float *q = t->q + row * t->qkv_stride + head * head_dim;
  ck_running state = {.maximum = -__builtin_inff()};
  memset(output, 0, (size_t)ck_padded(head_dim) * sizeof(float));
  attend_stretch(t, head, q, output, &state, prefix_of(t, s, column), 0, end);
  attend_stretch(t, head, q, output, &state, packed_rows(t, s.begin, s.end, column), shared, end);
  attend_stretch(t, head, q, output, &state, packed_rows(t, s.own, row + 1, column), own, end);
  float *y = t->y + row * t->y_stride + head * head_dim;
  const float reciprocal = (float)(1 / state.total);
  for (int64_t d = 0; d < head_dim; d++) y[d] = output[d] * reciprocal;
}

// MARK: All rows

// Some blocks, head by head, then the next.
CK_CLONES static void attend_blocks(void *context, int64_t begin, int64_t end, int worker) {
  const tree *t = context;
  float *scratch = ck_pool_scratch(t->pool, worker);
  for (int64_t i = begin; i < end; i++) {
    const int64_t first = i / (neighbours * t->shape.heads) * neighbours, left = t->block_count - first;
    const int64_t count = left < neighbours ? left : neighbours, index = i - first * t->shape.heads;
    const int64_t head = index / count;
    const row_block block = t->blocks[first + index % count];
    if (block.count >= fewest_block_rows) {
      attend_block(t, block, head, scratch);
    } else {
      for (int64_t row = block.row; row < block.row + block.count; row++) attend_row(t, row, head, scratch);
    }
  }
}

// The block that begins at a row.
static row_block block_at(const tree *t, int64_t row) {
  const span first = span_of(t, row);
  row_block block = {.row = row, .count = 1};
  while (block.count < t->most_rows && row + block.count < t->rows) {
    const span next = span_of(t, row + block.count);
    if (next.prefix != first.prefix || next.begin != first.begin || next.end != first.end) break;
    block.count++;
  }
  return block;
}

void ck_attention_tree(
  ck_pool *pool, const ck_attention_shape *shape, const ck_attention_text *text, float *y, int64_t y_stride,
  const float *qkv, int64_t qkv_stride) {
  const float *k = qkv + shape->heads * shape->head_dim;
  tree t = {
    .shape = *shape, .text = *text, .q = qkv, .k = k, .v = k + shape->kv_heads * shape->head_dim,
    .qkv_stride = qkv_stride, .y = y, .y_stride = y_stride, .rows = shape->batch * shape->length,
    .most_rows = ck_block_queries(shape->head_dim, 2, 1), .blocks = ck_pool_shared_scratch(pool),
    .multiply = ck_choose_tile_multiplier(), .pool = pool};
  // Nothing is read there; but not even nothing is read at NULL.
  if (text->rows == 0) t.text.keys = t.k, t.text.values = t.v;
  const int64_t room = CK_SHARED_SCRATCH_BYTES / sizeof(row_block);
  for (int64_t row = 0; row < t.rows;) {
    for (t.block_count = 0; row < t.rows && t.block_count < room; t.block_count++) {
      t.blocks[t.block_count] = block_at(&t, row);
      row += t.blocks[t.block_count].count;
    }
    ck_parallel_dynamic(pool, t.block_count * shape->heads, 1, attend_blocks, &t);
  }
}
