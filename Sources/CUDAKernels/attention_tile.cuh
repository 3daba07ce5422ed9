// Tiles of bfloat16 rows in shared memory: how they get there, leave it, and feed the tensor cores.
//
// Rows lie one after the other, WIDTH elements each: a head padded with zeros to a multiple of 16. Within a row, units
// of 16 bytes are swapped so that the same unit of 8 consecutive rows, which is what ldmatrix reads at once, is in 8
// different groups of banks, without any room lost.
#pragma once

#include "attention.cuh"
#include "mma.cuh"

template <int WIDTH> struct ic_tile {
  static_assert(WIDTH % 16 == 0, "tensor cores take 16 at a time");
  static constexpr int UNITS = WIDTH / 8;

  // Units are swapped within groups of this many. Rows advance by UNITS modulo the 8 groups of banks: 0, 4, or ±2.
  static constexpr int GROUP = UNITS % 8 == 0 ? 8 : UNITS % 4 == 0 ? 4 : 2;

  __device__ __forceinline__ static int swap(int row) { return row / (8 / GROUP) % GROUP; }
  __device__ __forceinline__ static bf16 *at(bf16 *tile, int row, int unit) {
    return tile + row * WIDTH + (unit ^ swap(row)) * 8;
  }
  // Unit 2·step + half: a constant from one step to the next, but for a swap within a group.
  __device__ __forceinline__ static bf16 *at_step(bf16 *tile, int row, int half, int step) {
    return tile + row * WIDTH + (half ^ swap(row) ^ 2 * step % GROUP) * 8 + 2 * step / GROUP * GROUP * 8;
  }

  // The part of `rows` rows that no load writes.
  template <int THREADS> __device__ static void clear_padding(bf16 *tile, int rows, int dimension) {
    const int columns = WIDTH - dimension;
    for (int i = threadIdx.x; i < rows * columns; i += THREADS) {
      const int column = dimension + i % columns;
      at(tile, i / columns, column / 8)[column % 8] = bf16(0.0f);
    }
  }

  // ROWS rows from global memory, of which those from `valid` on become zeros. There when the copies have been waited
  // for.
  template <int ROWS, int THREADS>
  __device__ __forceinline__ static void load(
    bf16 *tile, ic_rows<const bf16> source, int valid, int dimension, int load_bytes) {
    switch (load_bytes) {
    case 16: return copy<ROWS, THREADS, 16>(tile, source, valid, dimension);
    case 8: return copy<ROWS, THREADS, 8>(tile, source, valid, dimension);
    case 4: return copy<ROWS, THREADS, 4>(tile, source, valid, dimension);
    }
    for (int i = ic_recomputed(threadIdx.x); i < ROWS * WIDTH; i += THREADS) {
      const int row = i / WIDTH, column = i % WIDTH;
      if (column >= dimension) continue;
      at(tile, row, column / 8)[column % 8] = row < valid ? *source.at(row, column) : bf16(0.0f);
    }
  }

  // Columns begin ..< end of the rows `first` … of a tile, by the lanes of a warp: 16 rows, but no more than `valid`.
  __device__ __forceinline__ static void store_warp(
    ic_rows<bf16> target, bf16 *tile, int first, int valid, int begin, int end, int store_bytes) {
    switch (store_bytes) {
    case 16: return write<uint4>(target, tile, first, valid, begin, end);
    case 8: return write<uint2>(target, tile, first, valid, begin, end);
    case 4: return write<uint32_t>(target, tile, first, valid, begin, end);
    default: return write<bf16>(target, tile, first, valid, begin, end);
    }
  }

  // A [16, 16] from rows of A, columns 16·step ….
  __device__ __forceinline__ static void load_a(uint32_t (&a)[4], bf16 *tile, int row, int step) {
    ic_load_matrices(a, at_step(tile, row + ic_lane() % 16, ic_lane() / 16, step));
  }
  // Two B [16, 8], side by side, whose columns are rows of the tile: b[0], b[1] and b[2], b[3].
  __device__ __forceinline__ static void load_b(uint32_t (&b)[4], bf16 *tile, int row, int step) {
    ic_load_matrices(b, at_step(tile, row + ic_lane() % 8 + ic_lane() / 16 * 8, ic_lane() / 8 % 2, step));
  }
  // The same where the rows of B are rows of the tile.
  __device__ __forceinline__ static void load_b_rows(uint32_t (&b)[4], bf16 *tile, int row, int step) {
    ic_load_matrices_transposed(b, at_step(tile, row + ic_lane() % 16, ic_lane() / 16, step));
  }

  // Two neighbouring elements, as a lane holds them of a C [16, 8] at column 8·unit.
  __device__ __forceinline__ static void store_pair(bf16 *tile, int row, int unit, float x, float y) {
    *reinterpret_cast<uint32_t *>(at(tile, row, unit) + ic_lane() % 4 * 2) = ic_pair(x, y);
  }

private:
  template <int ROWS, int THREADS, int BYTES>
  __device__ __forceinline__ static void copy(bf16 *tile, ic_rows<const bf16> source, int valid, int dimension) {
    constexpr int SIZE = BYTES / 2, PIECES = WIDTH / SIZE;
#pragma unroll 4
    for (int i = ic_recomputed(threadIdx.x); i < ROWS * PIECES; i += THREADS) {
      const int row = i / PIECES, column = i % PIECES * SIZE;
      if (column >= dimension) continue;
      ic_copy_async<BYTES>(
        at(tile, row, column / 8) + column % 8, source.at(row < valid ? row : 0, column), row < valid);
    }
  }

  template <class Piece>
  __device__ __forceinline__ static void write(
    ic_rows<bf16> target, bf16 *tile, int first, int valid, int begin, int end) {
    constexpr int SIZE = sizeof(Piece) / 2, PIECES = WIDTH / SIZE;
    for (int i = ic_lane(); i < 16 * PIECES; i += 32) {
      const int row = first + i / PIECES, column = i % PIECES * SIZE;
      if (row >= valid || column < begin || column >= end) continue;
      *reinterpret_cast<Piece *>(target.at(row, column)) =
        *reinterpret_cast<const Piece *>(at(tile, row, column / 8) + column % 8);
    }
  }
};

// −infinity where a query does not see a key, in a C [16, 8·TILES] of scores whose rows are queries, from `query` on,
// and whose columns are keys, from `key` on; or, TRANSPOSED, the other way round.
template <bool TRANSPOSED, int TILES>
__device__ __forceinline__ void ic_mask_scores(float (&scores)[TILES][4], int query, int key, int window) {
  const int lane = ic_recomputed(ic_lane()), row = lane / 4, column = lane % 4 * 2;
  const int distance = query - key + (TRANSPOSED ? column - row : row - column);
#pragma unroll
  for (int n = 0; n < TILES; n++) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int further = 8 * n + i % 2 - i / 2 * 8, before = distance + (TRANSPOSED ? further : -further);
      if (before < 0 || before >= window) scores[n][i] = -INFINITY;
    }
  }
}

// −infinity where a key is of an earlier document than a query, in scores laid out as above.
template <bool TRANSPOSED, int TILES>
__device__ __forceinline__ void ic_mask_documents(
  float (&scores)[TILES][4], const ic_attention_sizes &shape, int64_t sequence, int query, int key) {
  // The last query's document begins last.
  const int last = query + (TRANSPOSED ? 8 * TILES : 16) - 1;
  if (ic_document_start<true>(shape, sequence, last) <= key) return;
  const int lane = ic_recomputed(ic_lane()), row = lane / 4, column = lane % 4 * 2;
  // In a query's row or column, keys further than this from the tile's first are seen.
  const auto hidden = [&](int further) { return ic_document_start<true>(shape, sequence, query + further) - key; };
  if (TRANSPOSED) {
#pragma unroll
    for (int n = 0; n < TILES; n++) {
      const int first[2] = {hidden(8 * n + column), hidden(8 * n + column + 1)};
#pragma unroll
      for (int i = 0; i < 4; i++) {
        if (row + i / 2 * 8 < first[i % 2]) scores[n][i] = -INFINITY;
      }
    }
  } else {
    const int first[2] = {hidden(row), hidden(row + 8)};
#pragma unroll
    for (int n = 0; n < TILES; n++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        if (8 * n + column + i % 2 < first[i / 2]) scores[n][i] = -INFINITY;
      }
    }
  }
}

// How the scores of a head are adjusted, in tiles laid out as above. Products of q and k come in, and what leaves is to
// base 2: scores · log₂e.
struct ic_score_adjustment {
  bool is_capped;
  ic_softcap<bf16> cap;
  float factor, slope;

  __device__ __forceinline__ ic_score_adjustment(const ic_attention_sizes &shape, float slope)
      : is_capped(shape.softcap > 0), cap(shape.softcap, shape.scale),
        factor(is_capped ? IC_LOG2_E : shape.scale * IC_LOG2_E), slope(slope * IC_LOG2_E) {}

  template <bool TRANSPOSED, int TILES>
  __device__ __forceinline__ void apply(float (&scores)[TILES][4], int query, int key) const {
    if (is_capped) {
#pragma unroll
      for (int n = 0; n < TILES; n++) {
#pragma unroll
        for (int i = 0; i < 4; i++) cap(scores[n][i]);
      }
    }
    add_slope<TRANSPOSED>(scores, query, key);
  }

  // The same, and `gradients` are multiplied by the derivatives of the scores.
  template <bool TRANSPOSED, int TILES>
  __device__ __forceinline__ void apply(
    float (&scores)[TILES][4], float (&gradients)[TILES][4], int query, int key) const {
    if (is_capped) {
#pragma unroll
      for (int n = 0; n < TILES; n++) {
#pragma unroll
        for (int i = 0; i < 4; i++) gradients[n][i] *= cap(scores[n][i]);
      }
    }
    add_slope<TRANSPOSED>(scores, query, key);
  }

private:
  // And scales what is not capped.
  template <bool TRANSPOSED, int TILES>
  __device__ __forceinline__ void add_slope(float (&scores)[TILES][4], int query, int key) const {
    const int lane = ic_recomputed(ic_lane()), row = lane / 4, column = lane % 4 * 2;
    const float first = slope * float(key - query + (TRANSPOSED ? row - column : column - row));
#pragma unroll
    for (int n = 0; n < TILES; n++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const float further = slope * float(8 * n + i % 2 - i / 2 * 8);
        scores[n][i] = scores[n][i] * factor + (TRANSPOSED ? first - further : first + further);
      }
    }
  }
};
