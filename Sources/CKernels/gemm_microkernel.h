// The inner kernel of the plain matrix product, for one instruction set. Included once for each, with
//   MICROKERNEL  the function's name
//   TARGET       its target attribute
//   LANES        floats in a vector register
//   ROWS         rows of the tile that is kept in registers
//   VECTORS      vectors in a row of it
//
// c[ROWS, LANES·VECTORS] = a·b, or c += with `add`; a is packed [k][ROWS], b is packed [k][LANES·VECTORS].

TARGET static void MICROKERNEL(
  int64_t k, const float *restrict a, const float *restrict b, bool add, float *restrict c, int64_t ldc) {
  typedef float vector __attribute__((vector_size(LANES * 4)));
  typedef float unaligned __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
  if (add) {  // c is read after the loop; short products would wait for it
    for (int r = 0; r < ROWS; r++) {
      for (int v = 0; v < VECTORS; v++) __builtin_prefetch(c + r * ldc + v * LANES);
    }
  }
  vector sum[ROWS][VECTORS] = {0};
  for (int64_t p = 0; p < k; p++, a += ROWS, b += LANES * VECTORS) {
    vector row[VECTORS];
#pragma clang loop unroll(full)
    for (int v = 0; v < VECTORS; v++) row[v] = ((const vector *)b)[v];
#pragma clang loop unroll(full)
    for (int r = 0; r < ROWS; r++) {
#pragma clang loop unroll(full)
      for (int v = 0; v < VECTORS; v++) sum[r][v] += a[r] * row[v];
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < ROWS; r++) {
    unaligned *target = (unaligned *)(c + r * ldc);
#pragma clang loop unroll(full)
    for (int v = 0; v < VECTORS; v++) target[v] = add ? target[v] + sum[r][v] : sum[r][v];
  }
}

#undef MICROKERNEL
#undef TARGET
#undef LANES
#undef ROWS
#undef VECTORS
