// Functions of one number: the GPU's own approximations, where they are as good as what they are applied to.
#pragma once

#include "platform.cuh"

constexpr float IC_LOG2_E = 1.4426950408889634f;

// 2^x to 2 ulp; subnormal results are 0, −infinity gives 0.
__device__ __forceinline__ float ic_exp2(float x) {
#ifdef __CUDACC__
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return exp2f(x);
#endif
}

// 1/x to 1 ulp; subnormal results are 0, as of infinity.
__device__ __forceinline__ float ic_reciprocal(float x) {
#ifdef __CUDACC__
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return 1 / x;
#endif
}

struct ic_tangent {
  float value, derivative;
};

// tanh of what was computed from elements of type T. From bfloat16 with an error of a few units in the last place of 1,
// also where it is small: what is capped (see ic_softcap) goes into an exponential, where only differences count. The
// derivative is as good where tanh is 1.
template <class T> __device__ __forceinline__ ic_tangent ic_tanh(float x);
template <> __device__ __forceinline__ ic_tangent ic_tanh<float>(float x) {
  const float e = expf(-2 * fabsf(x)), reciprocal = 1 / (1 + e);
  return {tanhf(x), 4 * e * reciprocal * reciprocal};
}
template <> __device__ __forceinline__ ic_tangent ic_tanh<bf16>(float x) {
  const float e = ic_exp2(-2 * IC_LOG2_E * fabsf(x)), reciprocal = ic_reciprocal(1 + e);
  return {copysignf((1 - e) * reciprocal, x), 4 * e * reciprocal * reciprocal};
}

// softcap·tanh(scale·x / softcap) (Gemma 2, arXiv 2408.00118, section 2).
template <class T> struct ic_softcap {
  float softcap, factor;

  __device__ __forceinline__ explicit ic_softcap(float softcap, float scale = 1)
      : softcap(softcap), factor(scale / softcap) {}

  // x becomes the capped one; returns the derivative by scale·x.
  __device__ __forceinline__ float operator()(float &x) const {
    const ic_tangent tangent = ic_tanh<T>(x * factor);
    x = softcap * tangent.value;
    return tangent.derivative;
  }
};
