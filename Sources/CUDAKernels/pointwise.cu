// Activations, gated activations, sums, copies: one pass over memory each.
#include "kernels.cuh"
#include "map.cuh"

namespace {

// MARK: Activations: f(x) and f′(x)

struct value_and_slope {
  float value, slope;
};

struct logistic_pair {
  float value, rest;
};

// 1 / (1 + e⁻ˣ), and 1 minus it without cancellation. e⁻ˣ is kept finite, so that its quotient is a number.
__device__ __forceinline__ logistic_pair logistic(float x) {
  const float e = fminf(expf(-x), 1e38f), s = 1.0f / (1.0f + e);
  return {s, e * s};
}

// ½·x·(1 + tanh u), u = √(2/π)·(x + 0.044715·x³) (Hendrycks and Gimpel, arXiv 1606.08415). ½·(1 + tanh u) is the
// logistic function of 2u, which loses nothing in the lower tail.
__device__ __forceinline__ value_and_slope gelu_tanh(float x) {
  const float twice_root = 1.5957691216f, cubic = 0.044715f;  // 2·√(2/π)
  const float u = twice_root * (x + cubic * x * x * x);
  const logistic_pair s = logistic(u);
  return {x * s.value, s.value + x * s.value * s.rest * twice_root * (1.0f + 3.0f * cubic * x * x)};
}

// x·Φ(x) and Φ(x) + x·φ(x). erfc, not 1 + erf: the lower tail again.
__device__ __forceinline__ value_and_slope gelu_erf(float x) {
  const float cdf = 0.5f * erfcf(-0.7071067812f * x);
  return {x * cdf, cdf + x * 0.3989422804f * expf(-0.5f * x * x)};
}

__device__ __forceinline__ value_and_slope silu(float x) {
  const logistic_pair s = logistic(x);
  return {x * s.value, s.value * (1.0f + x * s.rest)};
}

// The comparisons are written so that NaN stays NaN.
__device__ __forceinline__ value_and_slope relu(float x) {
  return {x <= 0.0f ? 0.0f : x, x <= 0.0f ? 0.0f : 1.0f};
}

__device__ __forceinline__ value_and_slope evaluate(ic_activation kind, float x) {
  switch (kind) {
  case IC_GELU_TANH: return gelu_tanh(x);
  case IC_GELU_ERF: return gelu_erf(x);
  case IC_SILU: return silu(x);
  default: return relu(x);
  }
}

// MARK: What is done with a pack

template <class T, int N> struct activate_pack {
  ic_rows<T> y, x;
  ic_activation kind;

  __device__ void operator()(int64_t row, int64_t column) const {
    float values[N];
    ic_load(values, x.at(row, column));
#pragma unroll
    for (int k = 0; k < N; k++) values[k] = evaluate(kind, values[k]).value;
    ic_store(y.at(row, column), values);
  }
};

template <class T, int N> struct activate_backward_pack {
  ic_rows<T> dx, dy, x;
  ic_activation kind;

  __device__ void operator()(int64_t row, int64_t column) const {
    float values[N], upstream[N];
    ic_load(values, x.at(row, column));
    ic_load(upstream, dy.at(row, column));
#pragma unroll
    for (int k = 0; k < N; k++) values[k] = upstream[k] * evaluate(kind, values[k]).slope;
    ic_store(dx.at(row, column), values);
  }
};

// The halves of a packed row are `columns` apart.
template <class T, int N> struct gate_pack {
  ic_rows<T> y, gate_up;
  int64_t columns;
  ic_activation kind;

  __device__ void operator()(int64_t row, int64_t column) const {
    float gate[N], up[N];
    ic_load(gate, gate_up.at(row, column));
    ic_load(up, gate_up.at(row, columns + column));
#pragma unroll
    for (int k = 0; k < N; k++) gate[k] = evaluate(kind, gate[k]).value * up[k];
    ic_store(y.at(row, column), gate);
  }
};

template <class T, int N> struct gate_backward_pack {
  ic_rows<T> d_gate_up, dy, gate_up;
  int64_t columns;
  ic_activation kind;

  __device__ void operator()(int64_t row, int64_t column) const {
    float gate[N], up[N], upstream[N];
    ic_load(gate, gate_up.at(row, column));
    ic_load(up, gate_up.at(row, columns + column));
    ic_load(upstream, dy.at(row, column));
#pragma unroll
    for (int k = 0; k < N; k++) {
      const value_and_slope f = evaluate(kind, gate[k]);
      gate[k] = upstream[k] * up[k] * f.slope;
      up[k] = upstream[k] * f.value;
    }
    ic_store(d_gate_up.at(row, column), gate);
    ic_store(d_gate_up.at(row, columns + column), up);
  }
};

template <class T, int N> struct add_pack {
  ic_rows<T> y, a, b;

  __device__ void operator()(int64_t row, int64_t column) const {
    float left[N], right[N];
    ic_load(left, a.at(row, column));
    ic_load(right, b.at(row, column));
#pragma unroll
    for (int k = 0; k < N; k++) left[k] += right[k];
    ic_store(y.at(row, column), left);
  }
};

template <class To, class From, int N> struct convert_pack {
  ic_rows<To> y;
  ic_rows<From> x;

  __device__ void operator()(int64_t row, int64_t column) const {
    float values[N];
    ic_load(values, x.at(row, column));
    ic_store(y.at(row, column), values);
  }
};

// Bits as they are, whatever they mean.
template <class Bits, int N> struct copy_pack {
  ic_rows<Bits> y, x;

  __device__ void operator()(int64_t row, int64_t column) const {
    *reinterpret_cast<ic_pack<Bits, N> *>(y.at(row, column)) = ic_load_pack<N>(x.at(row, column));
  }
};

template <class T, int N> struct fill_pack {
  ic_rows<T> y;
  float value;

  __device__ void operator()(int64_t row, int64_t column) const {
    float values[N];
#pragma unroll
    for (int k = 0; k < N; k++) values[k] = value;
    ic_store(y.at(row, column), values);
  }
};

// MARK: Launch

// By the element type of all operands; `make(size)` gives the body, as for `ic_map_packs`. Operands that are joined
// rows go as one.
template <class Make>
ic_status map_joined(
  ic_context *context, const char *kernel, std::initializer_list<ic_tensor> operands, Make make) {
  return ic_by_type(context, operands.begin()->dtype, kernel, [&](auto zero) {
    constexpr int N = ic_pack_size<decltype(zero)>;
    const ic_map_shape shape = ic_joined_rows(operands);
    ic_map_packs<N>(context, shape.rows, shape.columns, operands, [&](auto size) { return make(zero, size); });
    return ic_launched(context, kernel);
  });
}

template <class To, class From> void convert(ic_context *context, ic_tensor y, ic_tensor x) {
  // As many elements as make 16 bytes of the wider type: neither side's accesses leave holes in what a warp reads.
  const ic_map_shape shape = ic_joined_rows({y, x});
  ic_map_packs<4>(context, shape.rows, shape.columns, {y, x}, [&](auto size) {
    return convert_pack<To, From, size>{ic_rows_of<To>(y), ic_rows_of<From>(x)};
  });
}

template <class Bits> void copy_bits(ic_context *context, ic_tensor y, ic_tensor x) {
  const ic_map_shape shape = ic_joined_rows({y, x});
  ic_map_packs<ic_pack_size<Bits>>(context, shape.rows, shape.columns, {y, x}, [&](auto size) {
    return copy_pack<Bits, size>{ic_rows_of<Bits>(y), ic_rows_of<Bits>(x)};
  });
}

}  // namespace

ic_status ic_activate(ic_context *context, ic_tensor y, ic_tensor x, ic_activation kind) {
  return map_joined(context, "activation", {y, x}, [&](auto zero, auto size) {
    using T = decltype(zero);
    return activate_pack<T, size>{ic_rows_of<T>(y), ic_rows_of<T>(x), kind};
  });
}

ic_status ic_activate_backward(ic_context *context, ic_tensor dx, ic_tensor dy, ic_tensor x, ic_activation kind) {
  return map_joined(context, "activationBackward", {dx, dy, x}, [&](auto zero, auto size) {
    using T = decltype(zero);
    return activate_backward_pack<T, size>{ic_rows_of<T>(dx), ic_rows_of<T>(dy), ic_rows_of<T>(x), kind};
  });
}

ic_status ic_gated(ic_context *context, ic_tensor y, ic_tensor gate_up, ic_activation kind) {
  return ic_by_type(context, y.dtype, "gated", [&](auto zero) {
    using T = decltype(zero);
    ic_map_packs<ic_pack_size<T>>(context, y.rows, y.columns, {y, gate_up}, [&](auto size) {
      return gate_pack<T, size>{ic_rows_of<T>(y), ic_rows_of<T>(gate_up), y.columns, kind};
    });
    return ic_launched(context, "gated");
  });
}

ic_status ic_gated_backward(
  ic_context *context, ic_tensor d_gate_up, ic_tensor dy, ic_tensor gate_up, ic_activation kind) {
  return ic_by_type(context, dy.dtype, "gatedBackward", [&](auto zero) {
    using T = decltype(zero);
    ic_map_packs<ic_pack_size<T>>(context, dy.rows, dy.columns, {d_gate_up, dy, gate_up}, [&](auto size) {
      return gate_backward_pack<T, size>{
        ic_rows_of<T>(d_gate_up), ic_rows_of<T>(dy), ic_rows_of<T>(gate_up), dy.columns, kind};
    });
    return ic_launched(context, "gatedBackward");
  });
}

ic_status ic_add(ic_context *context, ic_tensor y, ic_tensor a, ic_tensor b) {
  return map_joined(context, "add", {y, a, b}, [&](auto zero, auto size) {
    using T = decltype(zero);
    return add_pack<T, size>{ic_rows_of<T>(y), ic_rows_of<T>(a), ic_rows_of<T>(b)};
  });
}

ic_status ic_fill(ic_context *context, ic_tensor y, float value) {
  return map_joined(context, "fill", {y}, [&](auto zero, auto size) {
    using T = decltype(zero);
    return fill_pack<T, size>{ic_rows_of<T>(y), value};
  });
}

ic_status ic_copy(ic_context *context, ic_tensor y, ic_tensor x) {
  if (y.dtype != x.dtype && (y.dtype == IC_INT32 || x.dtype == IC_INT32)) {
    return ic_fail(context, IC_INVALID, "copy: int32 rows are copied to int32 rows, found another type");
  }
  if (y.dtype == x.dtype) {
    if (y.dtype == IC_BFLOAT16) {
      copy_bits<uint16_t>(context, y, x);
    } else {
      copy_bits<uint32_t>(context, y, x);
    }
  } else if (y.dtype == IC_BFLOAT16) {
    convert<bf16, float>(context, y, x);
  } else {
    convert<float, bf16>(context, y, x);
  }
  return ic_launched(context, "copy");
}
