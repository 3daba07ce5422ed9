// The tile multiplier for one instruction set. Included once for each, with
//   MULTIPLIER             the function's name
//   TARGET                 its target attribute
//   LOAD_FIRST, STORE_FIRST  ck_load and ck_store of the first `count` lanes, the others being 0 or left as they are
//   VECTORS                vectors in a row of the widest tile that is kept in registers, at most 4
//   HEIGHT(vectors)        rows of a tile so many vectors wide

#define JOIN_NAMES(a, b) a##_##b
#define JOIN(a, b) JOIN_NAMES(a, b)
#define TILE JOIN(MULTIPLIER, tile)
#define STRIP JOIN(MULTIPLIER, strip)

// One tile in registers: `rows` × `vectors` sums, constants once this is inlined. Unless it is `whole`, only `lanes` of
// the last vector exist in b and c.
TARGET CK_INLINE void TILE(
  const int rows, const int vectors, const bool whole, const ck_tile_product *product, int64_t row, int64_t column,
  int64_t lanes) {
  const int64_t a_row = product->a_row, a_depth = product->a_depth, ldb = product->ldb, ldc = product->ldc;
  const float *a = product->a + row * a_row;
  const float *b = product->b + column;
  float *c = product->c + row * ldc + column;
  ck_lanes sum[8][4];
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    const bool partial = !whole && v == vectors - 1;
    ck_lanes scale = 1.0f;
    if (product->scale) ck_load(&scale, product->scale + column + v * ck_lane_count);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      sum[r][v] = 0.0f;
      if (!product->add) continue;
      if (partial) {
        LOAD_FIRST(&sum[r][v], c + r * ldc + v * ck_lane_count, lanes);
      } else {
        ck_load(&sum[r][v], c + r * ldc + v * ck_lane_count);
      }
      sum[r][v] *= scale;
    }
  }
  for (int64_t p = 0; p < product->depth; p++, a += a_depth, b += ldb) {
    ck_lanes line[4];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      if (!whole && v == vectors - 1) {
        LOAD_FIRST(&line[v], b + v * ck_lane_count, lanes);
      } else {
        ck_load(&line[v], b + v * ck_lane_count);
      }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) sum[r][v] += a[r * a_row] * line[v];
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      if (!whole && v == vectors - 1) {
        STORE_FIRST(c + r * ldc + v * ck_lane_count, &sum[r][v], lanes);
      } else {
        ck_store(c + r * ldc + v * ck_lane_count, &sum[r][v]);
      }
    }
  }
}

// All rows of the columns from `column`.
TARGET CK_INLINE void STRIP(
  const int vectors, const bool whole, const ck_tile_product *product, int64_t column, int64_t lanes) {
  const int height = HEIGHT(vectors);
  int64_t row = 0;
  for (; row + height <= product->rows; row += height) TILE(height, vectors, whole, product, row, column, lanes);
  for (; height > 4 && row + 4 <= product->rows; row += 4) TILE(4, vectors, whole, product, row, column, lanes);
  for (; row < product->rows; row++) TILE(1, vectors, whole, product, row, column, lanes);
}

TARGET static void MULTIPLIER(const ck_tile_product *product) {
  const int64_t width = VECTORS * ck_lane_count;
  int64_t column = 0;
  for (; column + width <= product->columns; column += width) STRIP(VECTORS, true, product, column, ck_lane_count);
  const int64_t left = product->columns - column;
  if (left <= 0) return;
  const int64_t lanes = (left - 1) % ck_lane_count + 1;
  switch ((left - 1) / ck_lane_count) {
  case 0: STRIP(1, false, product, column, lanes); break;
#if VECTORS > 1
  case 1: STRIP(2, false, product, column, lanes); break;
  case 2: STRIP(3, false, product, column, lanes); break;
  default: STRIP(4, false, product, column, lanes); break;
#endif
  }
}

#undef JOIN_NAMES
#undef JOIN
#undef TILE
#undef STRIP
#undef MULTIPLIER
#undef TARGET
#undef LOAD_FIRST
#undef STORE_FIRST
#undef VECTORS
#undef HEIGHT
