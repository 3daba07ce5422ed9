// What the passes over blocks share, and how a block of queries is laid out in the forward ones.
//
// There queries stand in lanes. Scores are kept transposed, [key][query]: products read rows of k and v as they lie,
// one number against 16 queries, and maxima and sums over keys never cross lanes. Of the block on the diagonal, strips
// of 16 keys are computed for the 16-query columns that see any of them. Of the blocks before, those that no query's
// window reaches are left out, as are those of earlier documents: the first begins where the first query's window or
// document does.
#pragma once

#include "attention.h"
#include "tile.h"

#include <string.h>

enum { ck_block_keys = 64 };

/// Queries of a block: 64, or fewer if `tiles` tiles of padded head_dim × queries and `score_tiles` of scores would not
/// fit the scratch of a worker.
CK_INLINE int64_t ck_block_queries(int64_t head_dim, int64_t tiles, int64_t score_tiles) {
  const int64_t floats = (int64_t)(CK_WORKER_SCRATCH_BYTES / sizeof(float));
  const int64_t fitting = floats / (tiles * ck_padded(head_dim) + score_tiles * ck_block_keys + 4);
  return fitting < 64 ? fitting / ck_lane_count * ck_lane_count : 64;
}

/// First column, in k or v, of what query head `head` reads: heads / kv_heads neighbours share one key/value head.
CK_INLINE int64_t ck_kv_column(const ck_attention_shape *shape, int64_t head) {
  return head / (shape->heads / shape->kv_heads) * shape->head_dim;
}

/// Turns x[i][j] into x[j][i].
CK_INLINE void ck_transpose(ck_lanes x[ck_lane_count]) {
// In each round, rows `distance` apart exchange the lanes in which the other's bit of `distance` is wrong.
#define EXCHANGE(distance)                                                          \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < ck_lane_count; i++) {      \
    if (i & distance) continue;                                                     \
    const ck_lanes low = x[i], high = x[i + distance];                              \
    x[i] = __builtin_shufflevector(low, high, LOW_##distance);                      \
    x[i + distance] = __builtin_shufflevector(low, high, HIGH_##distance);          \
  }
#define LOW_8 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH_8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define LOW_4 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define HIGH_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define LOW_2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LOW_1 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define HIGH_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
  EXCHANGE(8)
  EXCHANGE(4)
  EXCHANGE(2)
  EXCHANGE(1)
#undef EXCHANGE
}

/// columns[d][i] = factor · rows[i][d] for `count` rows, zero for the rest of `width` columns. `columns` has
/// ck_padded(head_dim) rows.
CK_INLINE void ck_load_columns(
  float *columns, int64_t width, const float *rows, int64_t stride, int64_t count, int64_t head_dim, float factor) {
  for (int64_t i = 0; i < width; i += ck_lane_count) {
    for (int64_t d = 0; d < head_dim; d += ck_lane_count) {
      const float *corner = rows + i * stride + d;
      ck_lanes x[ck_lane_count];
      if (i + ck_lane_count <= count && d + ck_lane_count <= head_dim) {
#pragma clang loop unroll(full)
        for (int r = 0; r < ck_lane_count; r++) ck_load(&x[r], corner + r * stride);
      } else {
#pragma clang loop unroll(disable)
        for (int r = 0; r < ck_lane_count; r++) {
          x[r] = 0.0f;
          if (i + r < count) ck_load_first(&x[r], corner + r * stride, head_dim - d, 0);
        }
      }
#pragma clang loop unroll(full)
      for (int r = 0; r < ck_lane_count; r++) x[r] *= factor;
      ck_transpose(x);
#pragma clang loop unroll(full)
      for (int r = 0; r < ck_lane_count; r++) ck_store(columns + (d + r) * width + i, &x[r]);
    }
  }
}

/// rows[i][d] = columns[d][i] · factors[i] for `count` rows.
CK_INLINE void ck_store_rows(
  float *rows, int64_t stride, const float *columns, int64_t width, int64_t count, int64_t head_dim,
  const ck_lanes *factors) {
  for (int64_t i = 0; i < count; i += ck_lane_count) {
    for (int64_t d = 0; d < head_dim; d += ck_lane_count) {
      ck_lanes x[ck_lane_count];
#pragma clang loop unroll(full)
      for (int r = 0; r < ck_lane_count; r++) {
        ck_load(&x[r], columns + (d + r) * width + i);
        x[r] *= factors[i / ck_lane_count];
      }
      ck_transpose(x);
      float *corner = rows + i * stride + d;
      if (i + ck_lane_count <= count && d + ck_lane_count <= head_dim) {
#pragma clang loop unroll(full)
        for (int r = 0; r < ck_lane_count; r++) ck_store(corner + r * stride, &x[r]);
      } else {
#pragma clang loop unroll(disable)
        for (int r = 0; r < ck_lane_count && i + r < count; r++) {
          ck_store_first(corner + r * stride, &x[r], head_dim - d);
        }
      }
    }
  }
}

/// Keys of a block that query lanes 16·vector … 16·vector + 15 see: all, or up to the last lane's own on the diagonal.
CK_INLINE int64_t ck_visible_keys(int64_t keys, int64_t vector, bool diagonal) {
  const int64_t last = (vector + 1) * ck_lane_count;
  return diagonal && last < keys ? last : keys;
}

/// Whether scores become more than q·k·scale.
CK_INLINE bool ck_is_bent(const ck_attention_shape *shape) { return shape->softcap > 0 || shape->slopes; }

/// Caps the scores of 16 queries and adds slope·distance. `distances` are how far key 0 is after each query.
CK_INLINE void ck_bend_lanes(
  const ck_attention_shape *shape, int64_t head, float *scores, int64_t width, int64_t keys,
  const ck_lanes *distances) {
  const float slope = shape->slopes ? shape->slopes[head] : 0;
  for (int64_t key = 0; key < keys; key++) {
    ck_lanes x, derivative;
    ck_load(&x, scores + key * width);
    if (shape->softcap > 0) ck_cap_lanes(&x, &derivative, shape->softcap);
    x += slope * (*distances + (float)key);
    ck_store(scores + key * width, &x);
  }
}

/// The same of 16 queries that follow one another. `distance` is how far key 0 is after the query of lane 0.
CK_INLINE void ck_bend(
  const ck_attention_shape *shape, int64_t head, float *scores, int64_t width, int64_t keys, int64_t distance) {
  const ck_lanes lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const ck_lanes distances = (float)distance - lane;
  ck_bend_lanes(shape, head, scores, width, keys, &distances);
}

/// Position at which the document of position `position` begins.
CK_INLINE int64_t ck_document_start(const ck_attention_shape *shape, int64_t sequence, int64_t position) {
  if (!shape->document_starts) return 0;
  const int64_t row = sequence * shape->length + position;
  const int64_t start = shape->document_starts[row * shape->document_starts_stride];
  return start < 0 ? 0 : start < position ? start : position;
}

/// First key that any query sees of a block of them, the first of which is at position `first`.
CK_INLINE int64_t ck_first_key(const ck_attention_shape *shape, int64_t sequence, int64_t first) {
  const int64_t key = first - shape->window + 1, start = ck_document_start(shape, sequence, first);
  return key > start ? key : start;
}

/// Hides keys that came so long before their query that its window does not reach them. `distance` is how far key 0 is
/// after the query of lane 0.
CK_INLINE void ck_mask_window(
  const ck_attention_shape *shape, float *scores, int64_t width, int64_t keys, int64_t distance) {
  const ck_lane_integers lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  // Lane i sees key `seen` + i and what follows, so that no lane misses the 15th after that.
  const int64_t seen = 1 - shape->window - distance, hidden = seen + ck_lane_count - 1;
  for (int64_t key = 0; key < keys && key < hidden; key++) {
    ck_lanes x;
    ck_load(&x, scores + key * width);
    x = lane > (int32_t)(key - seen) ? (ck_lanes)-__builtin_inff() : x;
    ck_store(scores + key * width, &x);
  }
}

/// Hides keys of earlier documents than their query's. Key 0 is at position `key`, the query of lane 0 at `query`.
CK_INLINE void ck_mask_documents(
  const ck_attention_shape *shape, int64_t sequence, float *scores, int64_t width, int64_t keys, int64_t key,
  int64_t query) {
  if (!shape->document_starts) return;
  const int64_t left = shape->length - query, count = left < ck_lane_count ? left : ck_lane_count;
  // The last lane's document begins last.
  const int64_t hidden = ck_document_start(shape, sequence, query + count - 1) - key;
  if (hidden <= 0) return;
  int32_t first[ck_lane_count];
  for (int64_t i = 0; i < ck_lane_count; i++) {
    first[i] = i < count ? (int32_t)(ck_document_start(shape, sequence, query + i) - key) : 0;
  }
  ck_lane_integers start;
  memcpy(&start, first, sizeof start);
  for (int64_t i = 0; i < keys && i < hidden; i++) {
    ck_lanes x;
    ck_load(&x, scores + i * width);
    x = start > (int32_t)i ? (ck_lanes)-__builtin_inff() : x;
    ck_store(scores + i * width, &x);
  }
}

/// Hides keys that come after their query: the 16 × 16 scores where lanes 16·vector … meet the keys of their own
/// positions, on the diagonal.
CK_INLINE void ck_mask(float *scores, int64_t width, int64_t keys, int64_t vector) {
  const ck_lane_integers lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const int64_t first = vector * ck_lane_count;
  for (int64_t key = first; key < ck_visible_keys(keys, vector, true); key++) {
    ck_lanes x;
    ck_load(&x, scores + key * width + first);
    x = lane < (int32_t)(key - first) ? (ck_lanes)-__builtin_inff() : x;
    ck_store(scores + key * width + first, &x);
  }
}

/// scores[key][query] = rows[key] · columns[:, query], where the query sees the key.
CK_INLINE void ck_score(
  ck_tile_multiplier multiply, float *scores, int64_t width, const float *rows, int64_t stride, int64_t keys,
  const float *columns, int64_t head_dim, bool diagonal) {
  const int64_t strip = diagonal ? ck_lane_count : keys;
  for (int64_t key = 0; key < keys; key += strip) {
    const int64_t query = diagonal ? key : 0;
    multiply(&(ck_tile_product){
      .rows = keys - key < strip ? keys - key : strip, .columns = width - query, .depth = head_dim,
      .a = rows + key * stride, .a_row = stride, .a_depth = 1, .b = columns + query, .ldb = width,
      .c = scores + key * width + query, .ldc = width});
  }
}

/// columns[:, query] = Σ rows[key]ᵀ · scores[key][query] over the keys that the query sees; or columns ⊙ scale + Σ.
CK_INLINE void ck_combine(
  ck_tile_multiplier multiply, float *columns, int64_t width, const float *rows, int64_t stride, int64_t keys,
  const float *scores, int64_t head_dim, bool diagonal, bool add, const float *scale) {
  const int64_t strip = diagonal ? ck_lane_count : keys;
  for (int64_t key = 0; key < keys; key += strip) {
    const int64_t query = diagonal ? key : 0;
    multiply(&(ck_tile_product){
      .rows = head_dim, .columns = width - query, .depth = keys - key < strip ? keys - key : strip,
      .a = rows + key * stride, .a_row = 1, .a_depth = stride, .b = scores + key * width + query, .ldb = width,
      .c = columns + query, .ldc = width, .add = add || key > 0, .scale = key > 0 ? NULL : scale});
  }
}
