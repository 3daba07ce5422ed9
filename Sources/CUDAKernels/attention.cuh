// What the attention kernels work on, and what their files see of each other.
#pragma once

#include "functions.cuh"
#include "mma.cuh"
#include "pack.cuh"

// More than any sequence has: no window.
constexpr int IC_NO_WINDOW = 1 << 29;

// The rows from `row` and the columns from `column` on.
template <class T> __device__ __forceinline__ ic_rows<T> ic_from(const ic_rows<T> &rows, int64_t row, int64_t column) {
  return {rows.at(row, column), rows.stride};
}

struct ic_attention_sizes {
  // Rows of queries of a sequence; the rows of keys and values that a sequence has room for.
  int length, capacity;
  int64_t sequences;
  // Query heads; how many of them share one key/value head; elements of a head.
  int heads, group, dimension;
  int window;
  float scale;
  // What more is done to scores: capped, unless 0; slopes[head]·(key − query) added, unless NULL.
  float softcap;
  const float *slopes;
  // [sequences·length, 1], where sequences hold several documents (and queries begin at position 0): the position at
  // which the document of each row begins, before which its query sees no key. No less than that of the row before: what
  // is left out relies on that, no address does. base NULL: sequences are one document each.
  ic_rows<const int32_t> document_starts;

  // Kernels that adjust scores, or hide some, are compiled apart (ADJUSTED), so that the others do not pay for it.
  bool are_scores_adjusted() const { return softcap > 0 || slopes || document_starts.base; }
};

// Where the document begins of row `row` of a sequence; after its end, that of its last row.
template <bool ADJUSTED>
__device__ __forceinline__ int ic_document_start(const ic_attention_sizes &shape, int64_t sequence, int row) {
  if (!ADJUSTED || !shape.document_starts.base) return 0;
  row = min(row, shape.length - 1);
  return max(0, min(__ldg(shape.document_starts.at(sequence * shape.length + row, 0)), row));
}

// The first row after `row` whose document begins after it, or `length`: searched by the warp.
__device__ __forceinline__ int ic_document_end(const ic_attention_sizes &shape, int64_t sequence, int row) {
  if (!shape.document_starts.base) return shape.length;
  int end = row + 1, left = shape.length - end;
  // Of the `left` rows from `end` on, those that are looked for come after all others.
  while (left > 0) {
    const int step = (left + 31) / 32, probe = ic_lane() * step;
    const bool before = probe < left && ic_document_start<true>(shape, sequence, end + probe) <= row;
    const int probes = __popc(__ballot_sync(~0u, before));
    if (probes == 0) break;
    const int passed = (probes - 1) * step + 1;
    end += passed;
    left = min(left - passed, step - 1);
  }
  return end;
}

template <bool ADJUSTED>
__device__ __forceinline__ float ic_attention_slope(const ic_attention_sizes &shape, int head) {
  return ADJUSTED && shape.slopes ? shape.slopes[head] : 0;
}

// A score, and its derivative by scale·q·k.
struct ic_attention_score {
  float value, derivative;
};

// Of a query and the key `before` rows before it.
template <bool ADJUSTED>
__device__ __forceinline__ ic_attention_score
ic_score(const ic_attention_sizes &shape, float slope, float product, int before) {
  ic_attention_score score = {product * shape.scale, 1};
  if (ADJUSTED) {
    if (shape.softcap > 0) score.derivative = ic_softcap<float>(shape.softcap)(score.value);
    score.value -= slope * float(before);
  }
  return score;
}

// Query row i of a sequence is at position + i and sees the keys of rows position + i − window + 1 … position + i. The
// position is that of `scalars`, 0 without, and never one for which a sequence has no room.
__device__ __forceinline__ int ic_attention_position(const ic_step_scalars *scalars, const ic_attention_sizes &shape) {
  return scalars ? max(0, min(scalars->position, shape.capacity - shape.length)) : 0;
}

template <class T> struct ic_forward_arguments {
  ic_attention_sizes shape;
  ic_rows<const T> q, k, v;
  ic_rows<T> y;
  // [N, H], natural logarithms; base may be NULL.
  ic_rows<float> log_sum_exp;
  const ic_step_scalars *scalars;
  // Bytes that can be moved at once: to shared memory, and to y.
  int load_bytes, store_bytes;
};

template <class T> struct ic_backward_arguments {
  ic_attention_sizes shape;
  ic_rows<const T> q, k, v, dy, y;
  ic_rows<const float> log_sum_exp;
  ic_rows<T> dq, dk, dv;
  // [H, N], made by the first kernel: dy·y of each row, and its log-sum-exp times `log_sum_exp_factor`.
  float *delta, *scaled_log_sum_exp;
  float log_sum_exp_factor;
  int load_bytes, store_bytes;
};

// The largest of 16, 8, 4 … bytes that divides addresses, strides and heads of all tensors, so that every head of every
// row can be moved in units of it.
inline int ic_attention_unit(int dimension, std::initializer_list<ic_tensor> tensors) {
  const uint64_t size = tensors.begin()->dtype == IC_BFLOAT16 ? 2 : 4;
  uint64_t bits = 16 | size * uint64_t(dimension);
  for (const ic_tensor &tensor : tensors) bits |= tensor.address | size * uint64_t(tensor.stride);
  return int(bits & -bits);
}

// attention.cu: says what is wrong with the operands that all attention kernels have. `rows` are of y's shape.
ic_status ic_check_attention(
  ic_context *, const char *kernel, ic_tensor qkv, std::initializer_list<ic_tensor> rows, ic_tensor slopes,
  ic_attention_spec spec);
ic_status ic_check_log_sum_exp(
  ic_context *, const char *kernel, ic_tensor log_sum_exp, ic_tensor qkv, ic_attention_spec spec);
ic_status ic_check_document_starts(ic_context *, const char *kernel, ic_tensor document_starts, ic_tensor qkv);
// Without documents.
ic_attention_sizes ic_attention_sizes_of(ic_tensor qkv, ic_tensor slopes, ic_attention_spec spec);
// The part of packed rows that starts at head `head`.
template <class T> ic_rows<T> ic_heads(ic_tensor qkv, int64_t head, ic_attention_spec spec) {
  return {ic_pointer<T>(qkv) + head * spec.head_dimension, qkv.stride};
}
// Forward attention without an engine.
ic_status ic_attend(ic_context *, const char *kernel, const ic_forward_arguments<bf16> &);
ic_status ic_attend(ic_context *, const char *kernel, const ic_forward_arguments<float> &);

// Where a block works: index = tile + tiles·(head + heads·sequence).
struct ic_attention_block {
  int tile, head;
  int64_t sequence;

  __device__ __forceinline__ ic_attention_block(int64_t index, int tiles, int heads)
      : tile(int(index % tiles)), head(int(index / tiles % heads)), sequence(index / tiles / heads) {}
};
