// Cross entropy with its gradient in place, and log-probabilities. A row of logits is read once for maximum and sum
// together (Milakov and Gimelshein, "Online normalizer calculation for softmax", arXiv 1805.02867); what the gradient
// reads again is still in the L2 cache.
#include "functions.cuh"
#include "kernels.cuh"
#include "pack.cuh"
#include "reduce.cuh"

namespace {

constexpr int row_threads = 512;

// MARK: A row in packs

// Calls body(column, values) for this thread's elements of a row, one array of N or 1 values after the other in
// ascending order of columns, and with `Write` stores what it leaves. Rows need not be aligned: up to the first 16-byte
// boundary, and behind the last, go single elements.
template <bool Write, class T, class Body>
__device__ __forceinline__ void for_each_pack(T *row, int columns, Body body) {
  constexpr int N = ic_pack_size<T>;
  const int misaligned = static_cast<int>(reinterpret_cast<uintptr_t>(row) % 16 / sizeof(T));
  const int head = min(columns, misaligned == 0 ? 0 : N - misaligned);
  const int packs = (columns - head) / N, tail = head + packs * N;
  const auto single = [&](int column) {
    float values[1] = {ic_float(row[column])};
    body(column, values);
    if (Write) row[column] = ic_element<T>(values[0]);
  };
  const int thread = threadIdx.x;
  if (thread < head) single(thread);
  // Four packs are on their way before the first is used, or written back: the compiler cannot know that no store of
  // one thread meets a load of its own.
  constexpr int batch = 4;
  T *const aligned = row + head;
  for (int first = thread; first < packs; first += batch * blockDim.x) {
    ic_pack<T, N> loaded[batch];
#pragma unroll
    for (int b = 0; b < batch; b++) {
      const int i = first + b * blockDim.x;
      if (i < packs) loaded[b] = ic_load_pack<N>(aligned + i * N);
    }
#pragma unroll
    for (int b = 0; b < batch; b++) {
      const int i = first + b * blockDim.x;
      if (i >= packs) continue;
      float values[N];
      ic_unpack(values, loaded[b]);
      body(head + i * N, values);
      if (Write) ic_store(aligned + i * N, values);
    }
  }
  if (tail + thread < columns) single(tail + thread);
}

// MARK: Maximum, sum and first largest of a row

// Σ e^(x − maximum) with the maximum so far. What is not a number is passed over by the maximum and spoils the sum.
struct exponential_sum {
  float maximum, sum;

  // What is subtracted: with no maximum yet there are only −∞, of which there is nothing to add, and no numbers.
  __device__ __forceinline__ float shift() const { return maximum == -INFINITY ? 0.0f : maximum; }

  __device__ __forceinline__ void raise(float larger) {
    const float before = maximum;
    maximum = larger;
    sum *= __expf(before - shift());
  }

  template <int N> __device__ __forceinline__ void add(const float (&values)[N]) {
    float larger = maximum;
#pragma unroll
    for (int k = 0; k < N; k++) larger = fmaxf(larger, values[k]);
    raise(larger);
    float terms = 0;
#pragma unroll
    for (int k = 0; k < N; k++) terms += __expf(values[k] - shift());
    sum += terms;
  }

  __device__ __forceinline__ void add(exponential_sum other) {
    const float larger = fmaxf(maximum, other.maximum);
    raise(larger);
    other.raise(larger);
    sum += other.sum;
  }
};

// The first largest element; the first that is not a number comes before everything else.
struct first_largest {
  float value;
  int column;

  template <int N> __device__ __forceinline__ void add(const float (&values)[N], int first) {
#pragma unroll
    for (int k = 0; k < N; k++) add(values[k], first + k);
  }

  __device__ __forceinline__ void add(float x, int at) {
    const bool spoiled = x != x, was_spoiled = value != value;
    const bool ahead = spoiled == was_spoiled ? (spoiled ? at < column : x > value || (x == value && at < column))
                                              : spoiled;
    if (ahead) {
      value = x;
      column = at;
    }
  }
};

struct row_summary {
  exponential_sum exponentials;
  first_largest largest;

  template <bool Greedy> __device__ __forceinline__ void add(const row_summary &other) {
    exponentials.add(other.exponentials);
    if (Greedy) largest.add(other.largest.value, other.largest.column);
  }
};

template <bool Greedy> __device__ __forceinline__ row_summary warp_summary(row_summary mine) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) {
    row_summary other;
    other.exponentials.maximum = __shfl_xor_sync(ic_full_warp, mine.exponentials.maximum, distance);
    other.exponentials.sum = __shfl_xor_sync(ic_full_warp, mine.exponentials.sum, distance);
    if (Greedy) {
      other.largest.value = __shfl_xor_sync(ic_full_warp, mine.largest.value, distance);
      other.largest.column = __shfl_xor_sync(ic_full_warp, mine.largest.column, distance);
    }
    mine.add<Greedy>(other);
  }
  return mine;
}

// MARK: Logits that are capped, or are not

struct uncapped {
  // Leaves x, and returns its derivative.
  __device__ __forceinline__ float operator()(float &) const { return 1; }
};

template <class T> struct capped {
  float softcap;
  explicit capped(float softcap) : softcap(softcap) {}
  __device__ __forceinline__ float operator()(float &x) const { return ic_softcap<T>(softcap)(x); }
};

// MARK: Summary of a row

// Every thread gets the summary of the row. The largest is that of the logits before they are capped, which keeps their
// order but may make equals of neighbours.
template <bool Greedy, class T, class Cap>
__device__ __forceinline__ row_summary summarize(T *row, int columns, Cap cap) {
  __shared__ row_summary warps[row_threads / 32];
  const row_summary nothing = {{-INFINITY, 0}, {-INFINITY, INT32_MAX}};
  row_summary mine = nothing;
  for_each_pack<false>(row, columns, [&](int column, auto &values) {
    if (Greedy) mine.largest.add(values, column);
    for (float &value : values) cap(value);
    mine.exponentials.add(values);
  });
  mine = warp_summary<Greedy>(mine);
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  if (lane == 0) warps[warp] = mine;
  __syncthreads();
  return warp_summary<Greedy>(lane < static_cast<int>(blockDim.x) / 32 ? warps[lane] : nothing);
}

// MARK: Kernels, a row a block

template <class T, class Cap>
__global__ void __launch_bounds__(row_threads) cross_entropy(
  ic_rows<float> losses, ic_rows<T> logits, int columns, ic_rows<int32_t> targets, Cap cap, bool gradient,
  const ic_step_scalars *scalars) {
  T *row = logits.at(blockIdx.x, 0);
  const int target = *targets.at(blockIdx.x, 0);
  if (target < 0) {
    if (threadIdx.x == 0) *losses.at(blockIdx.x, 0) = 0;
    if (gradient) {
      for_each_pack<true>(row, columns, [](int, auto &values) {
        for (float &value : values) value = 0;
      });
    }
    return;
  }
  float target_logit = ic_float(row[target]);
  cap(target_logit);
  // The barrier in it also stands between reading the target's logit and overwriting it.
  const exponential_sum s = summarize<false>(row, columns, cap).exponentials;
  if (threadIdx.x == 0) *losses.at(blockIdx.x, 0) = logf(s.sum) + (s.maximum - target_logit);
  if (!gradient) return;
  const float scale = scalars->loss_scale, factor = scale / s.sum;
  for_each_pack<true>(row, columns, [&](int column, auto &values) {
    for (float &value : values) {
      const float derivative = cap(value);
      value = derivative * (__expf(value - s.maximum) * factor - (column == target ? scale : 0.0f));
      column++;
    }
  });
}

template <class T, class Cap>
__global__ void __launch_bounds__(row_threads) log_probabilities(
  ic_rows<float> scores, ic_rows<int32_t> greedy, ic_rows<T> logits, int columns, ic_rows<int32_t> targets, Cap cap) {
  T *row = logits.at(blockIdx.x, 0);
  const row_summary summary = summarize<true>(row, columns, cap);
  if (threadIdx.x != 0) return;
  float target_logit = ic_float(row[*targets.at(blockIdx.x, 0)]);
  cap(target_logit);
  *scores.at(blockIdx.x, 0) = (target_logit - summary.exponentials.maximum) - logf(summary.exponentials.sum);
  *greedy.at(blockIdx.x, 0) = summary.largest.column;
}

template <class T> unsigned threads_for(int64_t columns) {
  const int64_t packs = ic_ceiling_divide(columns, ic_pack_size<T>);
  return packs < row_threads ? static_cast<unsigned>(ic_ceiling_divide(packs, 32) * 32) : row_threads;
}

// Calls `body` with an element of the logits' type and with what caps them.
template <class Body> ic_status by_type_and_cap(
  ic_context *context, ic_tensor logits, float softcap, const char *kernel, Body body) {
  if (!(softcap >= 0) || softcap == INFINITY) {
    return ic_fail(
      context, IC_INVALID, "%s: softcap %g; a positive one is expected, or 0 for none", kernel, double(softcap));
  }
  return ic_by_type(context, logits.dtype, kernel, [&](auto zero) {
    return softcap > 0 ? body(zero, capped<decltype(zero)>(softcap)) : body(zero, uncapped());
  });
}

}  // namespace

ic_status ic_cross_entropy(
  ic_context *context, ic_tensor losses, ic_tensor logits, ic_tensor targets, float softcap, int32_t gradient) {
  if (logits.rows <= 0) return IC_OK;
  return by_type_and_cap(context, logits, softcap, "crossEntropy", [&](auto zero, auto cap) {
    using T = decltype(zero);
    auto kernel = cross_entropy<T, decltype(cap)>;
    IC_LAUNCH(
      kernel, static_cast<unsigned>(logits.rows), threads_for<T>(logits.columns), 0, context,
      ic_rows_of<float>(losses), ic_rows_of<T>(logits), static_cast<int>(logits.columns), ic_rows_of<int32_t>(targets),
      cap, gradient != 0, static_cast<const ic_step_scalars *>(context->scalars));
    return ic_launched(context, "crossEntropy");
  });
}

ic_status ic_log_probabilities(
  ic_context *context, ic_tensor scores, ic_tensor greedy, ic_tensor logits, ic_tensor targets, float softcap) {
  if (logits.rows <= 0) return IC_OK;
  return by_type_and_cap(context, logits, softcap, "logProbabilities", [&](auto zero, auto cap) {
    using T = decltype(zero);
    auto kernel = log_probabilities<T, decltype(cap)>;
    IC_LAUNCH(
      kernel, static_cast<unsigned>(logits.rows), threads_for<T>(logits.columns), 0, context,
      ic_rows_of<float>(scores), ic_rows_of<int32_t>(greedy), ic_rows_of<T>(logits), static_cast<int>(logits.columns),
      ic_rows_of<int32_t>(targets), cap);
    return ic_launched(context, "logProbabilities");
  });
}
