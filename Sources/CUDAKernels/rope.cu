// Rotary position embedding (Su et al., arXiv 2104.09864), pairs (i, i + D/2) as in GPT-NeoX and Llama.
#include "kernels.cuh"
#include "pack.cuh"

namespace {

template <class T> struct operands {
  ic_rows<T> x;
  ic_rows<float> table;
  const ic_step_scalars *scalars;
  uint32_t length;
  int32_t heads, half, head_stride;
  bool inverse;
};

// A row a block. A thread keeps the angles of its pack of N pairs, and rotates that pack of every blockDim.x / packs-th
// head: the table is read once a row and not once a head.
template <class T, int N> __global__ void __launch_bounds__(256) rotate(operands<T> o) {
  const int packs = o.half / N, thread = threadIdx.x;
  const int column = thread % packs * N, heads_at_once = blockDim.x / packs;
  if (thread >= heads_at_once * packs) return;
  const int64_t row = blockIdx.x;
  const int64_t position = blockIdx.x % o.length + o.scalars->position;
  float cosine[N], sine[N];
  ic_load(cosine, o.table.at(position, column));
  ic_load(sine, o.table.at(position, o.half + column));
#pragma unroll
  for (int k = 0; k < N; k++) sine[k] = o.inverse ? -sine[k] : sine[k];
  // With small packs, several heads are on their way before the first is written back.
  constexpr int batch = N == ic_pack_size<T> ? 1 : 4;
  for (int first_head = thread / packs; first_head < o.heads; first_head += batch * heads_at_once) {
    T *const base = o.x.at(row, column);
    const auto offset_of = [&](int b) { return static_cast<int64_t>(first_head + b * heads_at_once) * o.head_stride; };
    ic_pack<T, N> first[batch], second[batch];
#pragma unroll
    for (int b = 0; b < batch; b++) {
      if (first_head + b * heads_at_once >= o.heads) continue;
      first[b] = ic_load_pack<N>(base + offset_of(b));
      second[b] = ic_load_pack<N>(base + offset_of(b) + o.half);
    }
#pragma unroll
    for (int b = 0; b < batch; b++) {
      if (first_head + b * heads_at_once >= o.heads) continue;
      float x[N], y[N];
      ic_unpack(x, first[b]);
      ic_unpack(y, second[b]);
#pragma unroll
      for (int k = 0; k < N; k++) {
        const float rotated = x[k] * cosine[k] - y[k] * sine[k];
        y[k] = y[k] * cosine[k] + x[k] * sine[k];
        x[k] = rotated;
      }
      ic_store(base + offset_of(b), x);
      ic_store(base + offset_of(b) + o.half, y);
    }
  }
}

template <class T, int N> void launch(ic_context *context, int64_t rows, const operands<T> &o) {
  const int64_t packs = o.half / N, work = packs * o.heads;
  const int64_t threads = work < 256 ? ic_ceiling_divide(work, 32) * 32 : 256;
  auto kernel = rotate<T, N>;
  IC_LAUNCH(kernel, static_cast<unsigned>(rows), static_cast<unsigned>(threads), 0, context, o);
}

// Whether halves of heads, and their angles, may be read in packs of `size` elements.
bool has_packs(int size, ic_tensor x, ic_tensor table, const ic_rope_spec &spec) {
  x.columns = table.columns = spec.head_dimension / 2;
  return ic_whole_packs(size, {x, table}) && spec.head_stride % size == 0;
}

}  // namespace

ic_status ic_rope(ic_context *context, ic_tensor x, ic_tensor table, ic_rope_spec spec, int32_t inverse) {
  const int32_t half = spec.head_dimension / 2;
  if (half > 256) {
    return ic_fail(
      context, IC_UNSUPPORTED, "rope: heads of %d elements; the CUDA device rotates heads of at most 512",
      spec.head_dimension);
  }
  if (x.rows <= 0 || half <= 0 || spec.heads <= 0) return IC_OK;
  return ic_by_type(context, x.dtype, "rope", [&](auto zero) {
    using T = decltype(zero);
    constexpr int N = ic_pack_size<T>;
    const operands<T> o = {
      ic_rows_of<T>(x), ic_rows_of<float>(table), context->scalars, static_cast<uint32_t>(spec.length), spec.heads,
      half, spec.head_stride, inverse != 0};
    if (has_packs(N, x, table, spec)) {
      launch<T, N>(context, x.rows, o);
    } else if (has_packs(2, x, table, spec)) {  // heads of 100: halves of 50
      launch<T, 2>(context, x.rows, o);
    } else {
      launch<T, 1>(context, x.rows, o);
    }
    return ic_launched(context, "rope");
  });
}
