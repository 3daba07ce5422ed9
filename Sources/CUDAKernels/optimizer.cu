// The update of a training step: the squared norm of all gradients, and AdamW.
#include "kernels.cuh"
#include "pack.cuh"
#include "philox.cuh"
#include "reduce.cuh"

namespace {

constexpr int update_threads = 256;

// Vectors of these are read in packs of N elements, and what is left over element by element.
bool are_aligned(int size, std::initializer_list<ic_tensor> tensors) {
  for (ic_tensor t : tensors) {
    t.columns = t.stride = size;
    if (!ic_whole_packs(size, {t})) return false;
  }
  return true;
}

int64_t count_of(ic_tensor t) { return t.rows * t.columns; }

// MARK: Sum of squares

__device__ __forceinline__ double warp_sum(double value) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) value += __shfl_xor_sync(ic_full_warp, value, distance);
  return value;
}

// Sums over the block, for thread 0.
__device__ __forceinline__ double block_sum(double value) {
  __shared__ double sums[update_threads / 32];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  value = warp_sum(value);
  if (lane == 0) sums[warp] = value;
  __syncthreads();
  return warp_sum(lane < update_threads / 32 ? sums[lane] : 0.0);
}

// Elements that a thread adds in float32 before it goes on in double precision, which most GPUs do slowly.
constexpr int squares_in_float = 16;

template <class T, int N>
__global__ void __launch_bounds__(update_threads) sum_of_squares(double *partials, const T *x, int64_t count) {
  constexpr int steps = squares_in_float / N;
  const int64_t packs = count / N, width = static_cast<int64_t>(gridDim.x) * update_threads;
  const int64_t thread = static_cast<int64_t>(blockIdx.x) * update_threads + threadIdx.x;
  double total = 0;
  for (int64_t first = thread; first < packs; first += steps * width) {
    float sum = 0;
#pragma unroll
    for (int s = 0; s < steps; s++) {
      if (first + s * width >= packs) continue;
      float values[N];
      ic_load(values, x + (first + s * width) * N);
#pragma unroll
      for (int k = 0; k < N; k++) sum += values[k] * values[k];
    }
    total += sum;
  }
  if (packs * N + thread < count) {
    const float value = ic_float(x[packs * N + thread]);
    total += value * value;
  }
  total = block_sum(total);
  if (threadIdx.x == 0) partials[blockIdx.x] = total;
}

__global__ void __launch_bounds__(update_threads) add_sums(float *out, const double *partials, int count) {
  double total = 0;
  for (int i = threadIdx.x; i < count; i += update_threads) total += partials[i];
  total = block_sum(total);
  if (threadIdx.x == 0) *out += static_cast<float>(total);
}

// MARK: AdamW

// What a step needs, all of it known before the first element.
struct constants {
  float gradient_scale, decay, step_size, root_bias_correction2;
  uint32_t seed;
  bool finite;
};

// As PyTorch computes them, in double precision where Python does. Once a block: the elements are many more.
__device__ __forceinline__ constants constants_of(
  const ic_step_scalars &scalars, float squared_norm, const ic_adamw_spec &spec) {
  constants c;
  c.finite = isfinite(squared_norm);
  // torch.nn.utils.clip_grad_norm_
  c.gradient_scale = scalars.clip > 0 ? fminf(1.0f, scalars.clip / (sqrtf(squared_norm) + 1e-6f)) : 1.0f;
  const double rate = static_cast<double>(scalars.learning_rate) * static_cast<double>(spec.learning_rate_multiplier);
  c.decay = static_cast<float>(1.0 - rate * static_cast<double>(spec.weight_decay));
  c.step_size = static_cast<float>(rate / static_cast<double>(scalars.bias_correction1));
  c.root_bias_correction2 = sqrtf(scalars.bias_correction2);
  c.seed = scalars.seed;
  return c;
}

// P: parameters; M: moments. master NULL: parameters are float32 and are what is updated.
template <class P, class M> struct operands {
  P *parameters;
  float *master, *gradients;
  M *m, *v;
  int64_t count;
};

// The neighbour of `value` below or above, with the probability that makes the result right on average: the lower half
// of the float32 is a fraction that 16 random bits carry over or not.
__device__ __forceinline__ bf16 round_stochastically(float value, uint32_t random16) {
  if (!isfinite(value)) return __float2bfloat16_rn(value);
  return __float2bfloat16_rn(__uint_as_float((__float_as_uint(value) + random16) & 0xffff0000u));
}

template <class M> __device__ __forceinline__ M rounded_moment(float value, uint32_t random16);
template <> __device__ __forceinline__ float rounded_moment<float>(float value, uint32_t) { return value; }
template <> __device__ __forceinline__ bf16 rounded_moment<bf16>(float value, uint32_t random16) {
  return round_stochastically(value, random16);
}

// Elements i ..< i + N, in the order of torch.optim.AdamW (Loshchilov and Hutter, arXiv 1711.05101): decay, moments,
// update.
template <int N, class P, class M>
__device__ __forceinline__ void update(
  const operands<P, M> &o, const ic_adamw_spec &spec, const constants &c, int64_t i) {
  float gradients[N], m[N], v[N], values[N];
  ic_load(gradients, o.gradients + i);
  ic_load(m, o.m + i);
  ic_load(v, o.v + i);
  if (o.master) {
    ic_load(values, o.master + i);
  } else {
    ic_load(values, o.parameters + i);
  }
  ic_pack<M, N> rounded_m, rounded_v;
#pragma unroll
  for (int k = 0; k < N; k++) {
    const float gradient = gradients[k] * c.gradient_scale;
    m[k] += spec.one_minus_beta1 * (gradient - m[k]);
    v[k] = v[k] * spec.beta2 + spec.one_minus_beta2 * gradient * gradient;
    const float denominator = sqrtf(v[k]) / c.root_bias_correction2 + spec.epsilon;
    values[k] = values[k] * c.decay - c.step_size * (m[k] / denominator);
    gradients[k] = 0;
    const ic_random_bits bits = sizeof(M) == sizeof(bf16) ? ic_philox(static_cast<uint64_t>(i + k), c.seed)
                                                          : ic_random_bits{0, 0};
    rounded_m.elements[k] = rounded_moment<M>(m[k], bits.low >> 16);
    rounded_v.elements[k] = rounded_moment<M>(v[k], bits.high >> 16);
  }
  *reinterpret_cast<ic_pack<M, N> *>(o.m + i) = rounded_m;
  *reinterpret_cast<ic_pack<M, N> *>(o.v + i) = rounded_v;
  if (o.master) ic_store(o.master + i, values);
  ic_store(o.parameters + i, values);
  ic_store(o.gradients + i, gradients);
}

template <int N, class P, class M>
__global__ void __launch_bounds__(update_threads) adamw(
  operands<P, M> o, ic_adamw_spec spec, ic_step_scalars *scalars, const float *squared_norm, int32_t *host_non_finite) {
  __shared__ constants c;
  if (threadIdx.x == 0) c = constants_of(*scalars, *squared_norm, spec);
  __syncthreads();
  const int64_t packs = o.count / N, width = static_cast<int64_t>(gridDim.x) * update_threads;
  const int64_t thread = static_cast<int64_t>(blockIdx.x) * update_threads + threadIdx.x;
  if (!c.finite) {
    for (int64_t i = thread; i < o.count; i += width) o.gradients[i] = 0;
    if (thread == 0) scalars->non_finite = *host_non_finite = 1;
    return;
  }
  for (int64_t i = thread; i < packs; i += width) update<N>(o, spec, c, i * N);
  if (packs * N + thread < o.count) update<1>(o, spec, c, packs * N + thread);
}

// One wave of blocks, which then go through the elements together: the constants are computed once a block.
unsigned blocks_for(const ic_context *context, int64_t packs, int blocks_of_multiprocessor) {
  const int64_t blocks = ic_ceiling_divide(packs > 0 ? packs : 1, update_threads);
  const int64_t most = static_cast<int64_t>(context->multiprocessors) * blocks_of_multiprocessor;
  return static_cast<unsigned>(blocks < most ? blocks : most);
}

template <class P, class M>
ic_status launch(
  ic_context *context, ic_tensor parameters, ic_tensor master, ic_tensor gradients, ic_tensor m, ic_tensor v,
  ic_tensor squared_norm, ic_adamw_spec spec) {
  // Four elements are 16 bytes of float32; four of bfloat16 are still whole lines of a warp.
  constexpr int N = 4;
  const operands<P, M> o = {
    ic_pointer<P>(parameters), ic_pointer<float>(master), ic_pointer<float>(gradients), ic_pointer<M>(m),
    ic_pointer<M>(v), count_of(parameters)};
  const bool aligned = are_aligned(N, {parameters, master, gradients, m, v});
  auto kernel = aligned ? adamw<N, P, M> : adamw<1, P, M>;
  IC_LAUNCH(
    kernel, blocks_for(context, o.count / (aligned ? N : 1), 5), update_threads, 0, context, o, spec, context->scalars,
    static_cast<const float *>(ic_pointer<float>(squared_norm)), context->host_non_finite);
  return ic_launched(context, "adamW");
}

}  // namespace

ic_status ic_sum_of_squares(ic_context *context, ic_tensor out, ic_tensor x) {
  const int64_t count = count_of(x);
  if (count <= 0) return IC_OK;
  return ic_by_type(context, x.dtype, "sumOfSquares", [&](auto zero) {
    using T = decltype(zero);
    constexpr int N = ic_pack_size<T>;
    const bool aligned = are_aligned(N, {x});
    const unsigned blocks = blocks_for(context, count / (aligned ? N : 1), 8);
    auto *partials = ic_scratch_array<double>(context, blocks);
    if (!partials) return IC_OUT_OF_MEMORY;
    auto sum = aligned ? sum_of_squares<T, N> : sum_of_squares<T, 1>;
    IC_LAUNCH(sum, blocks, update_threads, 0, context, partials, static_cast<const T *>(ic_pointer<T>(x)), count);
    IC_LAUNCH(
      add_sums, 1, update_threads, 0, context, ic_pointer<float>(out), static_cast<const double *>(partials),
      static_cast<int>(blocks));
    return ic_launched(context, "sumOfSquares");
  });
}

ic_status ic_adamw(
  ic_context *context, ic_tensor parameters, ic_tensor master, ic_tensor gradients, ic_tensor m, ic_tensor v,
  ic_tensor squared_norm, ic_adamw_spec spec) {
  if (parameters.dtype == IC_BFLOAT16 && master.address == 0) {
    return ic_fail(
      context, IC_INVALID,
      "adamW: bfloat16 parameters without float32 masters; updates are smaller than their rounding, so keep masters");
  }
  if (m.dtype != v.dtype) return ic_fail(context, IC_INVALID, "adamW: m and v of different types");
  if (count_of(parameters) <= 0) return IC_OK;
  return ic_by_type(context, parameters.dtype, "adamW", [&](auto parameter) {
    return ic_by_type(context, m.dtype, "adamW", [&](auto moment) {
      return launch<decltype(parameter), decltype(moment)>(
        context, parameters, master, gradients, m, v, squared_norm, spec);
    });
  });
}
