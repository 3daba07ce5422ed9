// Attention by cuDNN, where it is faster than our own kernels: bfloat16 on Hopper (compute capability 9.0). It reads
// the packed q, k, v and writes the packed gradients in place; only the log-sum-exp has another layout.
#include "attention_graphs.h"
#include "include/libraries.h"
#include "kernels.cuh"

#include <stdio.h>

#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {

// 9.10.0 and 9.10.1 are known to compute attention wrongly.
const size_t oldest_version = 91002;
// A plan is compiled in about half a second: a program that meets ever new shapes is better off without.
const size_t most_plans = 64;

struct Plan {
  Plan(const ic_cudnn &cudnn, cudnnHandle_t handle) : graph(cudnn, handle) {}
  ic_cudnn_graph graph;
  bool served = false;
  // Not run yet. The first run loads kernels, and may do more that has no place in a capture, so it comes while the
  // context is preparing: into memory that holds nothing, since the program that is prepared will write it.
  bool fresh = true;

  // Runs the plan; while the context is preparing, only the first time.
  bool run(ic_context *context, const std::vector<ic_cudnn_graph::Binding> &bindings, void *workspace) {
    if (context->preparing && !fresh) return true;
    fresh = false;
    return graph.execute(bindings, workspace);
  }
};

}  // namespace

struct ic_attention_engine {
  ic_library library = {};
  ic_cudnn cudnn = {};
  cudnnHandle_t handle = nullptr;
  // Why cuDNN is not used; or, after `path`, for what shapes it is not.
  std::string reason;
  std::map<ic_attention_shape, std::unique_ptr<Plan>> forward, backward;
  // The backward pass keeps the gradients of the scores. Beyond this many bytes the batch is taken in parts; where one
  // sequence takes so many (with 32 heads from 8192 rows on), own kernels serve, which keep none. Constants, and not what
  // happens to be free: a run that is resumed takes the same way.
  int64_t most_score_bytes = int64_t(512) << 20, most_sequence_bytes = int64_t(4) << 30;
  // The backward pass is cuDNN's for lengths of whole tiles. Its kernels for Hopper had faults in ragged ones, some of
  // which gave NaN (cudnn-frontend issues 160, 628, 1072).
  int64_t backward_tile = 128;
};

namespace {

bool resolve(ic_library *library, ic_cudnn &cudnn) {
  const ic_symbol symbols[] = {
    {"cudnnGetVersion", &cudnn.version},
    {"cudnnGetLastErrorString", &cudnn.last_error},
    {"cudnnCreate", &cudnn.create},
    {"cudnnDestroy", &cudnn.destroy},
    {"cudnnSetStream", &cudnn.set_stream},
    {"cudnnBackendCreateDescriptor", &cudnn.create_descriptor},
    {"cudnnBackendDestroyDescriptor", &cudnn.destroy_descriptor},
    {"cudnnBackendSetAttribute", &cudnn.set_attribute},
    {"cudnnBackendGetAttribute", &cudnn.get_attribute},
    {"cudnnBackendFinalize", &cudnn.finalize},
    {"cudnnBackendExecute", &cudnn.execute},
  };
  return ic_resolve(library, symbols, sizeof symbols / sizeof symbols[0]);
}

// Opens cuDNN; the reason why not.
std::string open(ic_context *context, ic_attention_engine *engine, const char *folders) {
  // Before, ours are faster; after, its gradients are not known to be the same bits every time.
  if (context->capability < 90 || context->capability >= 100) {
    return "cuDNN is used on Hopper, compute capability 9.0; this GPU has " + std::to_string(context->capability / 10) + "." +
           std::to_string(context->capability % 10);
  }
  const char *const names[] = {"libcudnn.so.9", nullptr};
  ic_open_library(
    &engine->library, names, folders, "pip install nvidia-cudnn-cu13 nvidia-cuda-nvrtc, or name its folder in INHERITUNE_CUDA_LIBS");
  if (!engine->library.handle || !resolve(&engine->library, engine->cudnn)) return engine->library.reason;
  size_t version = engine->cudnn.version();
  ic_set_version(&engine->library, version);
  std::string name = std::string("cuDNN ") + engine->library.version + " (" + engine->library.path + ")";
  if (version < oldest_version) return name + " is older than 9.10.2";
  cudnnHandle_t handle = nullptr;
  int status = engine->cudnn.create(&handle);
  if (status == CUDNN_SUCCESS) status = engine->cudnn.set_stream(handle, context->stream);
  if (status == CUDNN_SUCCESS) {
    engine->handle = handle;
    return "";
  }
  char words[512] = "";
  engine->cudnn.last_error(words, sizeof words);
  if (handle) engine->cudnn.destroy(handle);
  return name + " does not start: " + words;
}

// MARK: Log-sum-exp, [batch, heads, length] packed as cuDNN has it and [batch · length, heads] as the table has it

const int tile = 32, tile_rows = 8;

template <bool to_packed>
__global__ void transpose_log_sum_exp(float *packed, float *rows, int64_t stride, int length, int heads) {
  __shared__ float values[tile][tile + 1];
  int row_start = blockIdx.x * tile, head_start = blockIdx.y * tile;
  packed += int64_t(blockIdx.z) * heads * length;
  rows += int64_t(blockIdx.z) * length * stride;
  for (int i = threadIdx.y; i < tile; i += tile_rows) {
    int row = row_start + (to_packed ? i : threadIdx.x), head = head_start + (to_packed ? threadIdx.x : i);
    if (row < length && head < heads) {
      values[i][threadIdx.x] = to_packed ? rows[row * stride + head] : packed[int64_t(head) * length + row];
    }
  }
  __syncthreads();
  for (int i = threadIdx.y; i < tile; i += tile_rows) {
    int row = row_start + (to_packed ? threadIdx.x : i), head = head_start + (to_packed ? i : threadIdx.x);
    if (row < length && head < heads) {
      if (to_packed) {
        packed[int64_t(head) * length + row] = values[threadIdx.x][i];
      } else {
        rows[row * stride + head] = values[threadIdx.x][i];
      }
    }
  }
}

template <bool to_packed>
void launch_transpose(
  ic_context *context, float *packed, ic_tensor log_sum_exp, int64_t first_row, const ic_attention_shape &shape) {
  auto blocks = [](int64_t count) { return unsigned((count + tile - 1) / tile); };
  dim3 grid(blocks(shape.length), blocks(shape.heads), unsigned(shape.batch));
  auto kernel = transpose_log_sum_exp<to_packed>;
  IC_LAUNCH(
    kernel, grid, dim3(tile, tile_rows), 0, context, packed,
    ic_pointer<float>(log_sum_exp) + first_row * log_sum_exp.stride, log_sum_exp.stride, int(shape.length),
    int(shape.heads));
}

// MARK: Plans

// Vectors of 16 bytes at every row and head.
bool aligned(ic_tensor tensor) {
  return tensor.dtype == IC_BFLOAT16 && tensor.address % 16 == 0 && tensor.stride % 8 == 0;
}

// Plain causal attention: no window, no documents, no scores that are capped or have a slope.
bool is_plain(const ic_attention_spec &spec, ic_tensor slopes, ic_tensor document_starts) {
  return (spec.window == 0 || spec.window >= spec.length) && spec.softcap == 0 && slopes.address == 0 &&
         document_starts.address == 0;
}

bool serves(
  ic_context *context, const ic_attention_spec &spec, ic_tensor qkv, ic_tensor slopes, ic_tensor document_starts) {
  return context->attention && context->attention->handle && aligned(qkv) && spec.length > 0 && spec.kv_heads > 0 &&
         spec.head_dimension % 8 == 0 && spec.head_dimension <= 128 && spec.heads % spec.kv_heads == 0 &&
         qkv.rows % spec.length == 0 && qkv.rows > 0 && qkv.rows / spec.length <= 65535 &&
         is_plain(spec, slopes, document_starts);
}

// The plan of a shape, made the first time. NULL: cuDNN does not serve it.
template <class Describe>
Plan *plan_for(
  ic_context *context, std::map<ic_attention_shape, std::unique_ptr<Plan>> &plans, const ic_attention_shape &shape,
  const char *pass, Describe describe) {
  ic_attention_engine *engine = context->attention;
  auto known = plans.find(shape);
  if (known != plans.end()) return known->second->served ? known->second.get() : nullptr;
  if (context->capturing || !context->tuning || plans.size() >= most_plans) return nullptr;
  auto plan = std::make_unique<Plan>(engine->cudnn, engine->handle);
  describe(plan->graph, shape);
  plan->served = plan->graph.plan();
  if (!plan->served) {
    engine->reason = std::string("; own kernels where it has none: ") + pass + " of " + std::to_string(shape.batch) +
                     " × " + std::to_string(shape.length) + " rows, " + std::to_string(shape.heads) + " heads of " +
                     std::to_string(shape.head_dimension) + ": " + plan->graph.failure;
  }
  Plan *result = plan->served ? plan.get() : nullptr;
  plans[shape] = std::move(plan);
  return result;
}

ic_attention_shape shape_of(const ic_attention_spec &spec, ic_tensor qkv, ic_tensor y) {
  return {qkv.rows / spec.length, spec.length, spec.heads, spec.kv_heads, spec.head_dimension, qkv.stride,
          y.stride,               0,           0};
}

size_t padded(size_t bytes) { return (bytes + 255) / 256 * 256; }

// Elements of bfloat16 after `tensor`'s first.
void *at(ic_tensor tensor, int64_t row, int64_t column) {
  return ic_pointer<bf16>(tensor) + row * tensor.stride + column;
}

}  // namespace

ic_status ic_attention_engine_forward(
  ic_context *context, ic_tensor y, ic_tensor log_sum_exp, ic_tensor qkv, ic_tensor slopes, ic_tensor document_starts,
  ic_attention_spec spec) {
  if (!serves(context, spec, qkv, slopes, document_starts) || !aligned(y)) return IC_UNSUPPORTED;
  ic_attention_engine *engine = context->attention;
  ic_attention_shape shape = shape_of(spec, qkv, y);
  Plan *plan = plan_for(context, engine->forward, shape, "forward", ic_attention_forward_graph);
  if (!plan) return IC_UNSUPPORTED;

  size_t sums_bytes = padded(size_t(qkv.rows) * size_t(spec.heads) * sizeof(float));
  char *scratch = static_cast<char *>(ic_scratch(context, sums_bytes + size_t(plan->graph.workspace_bytes)));
  if (!scratch) return IC_OUT_OF_MEMORY;

  int64_t q_width = int64_t(spec.heads) * spec.head_dimension, k_width = int64_t(spec.kv_heads) * spec.head_dimension;
  float scale = spec.scale, masked = -std::numeric_limits<float>::infinity();
  bool done = plan->run(
    context,
    {{IC_ATTENTION_Q, at(qkv, 0, 0)},
     {IC_ATTENTION_K, at(qkv, 0, q_width)},
     {IC_ATTENTION_V, at(qkv, 0, q_width + k_width)},
     {IC_ATTENTION_Y, at(y, 0, 0)},
     {IC_ATTENTION_LOG_SUM_EXP, scratch},
     {IC_ATTENTION_SCALE, &scale},
     {IC_ATTENTION_MASKED, &masked}},
    scratch + sums_bytes);
  if (!done) return ic_fail(context, IC_CUDA_ERROR, "attention: cuDNN: %s", plan->graph.failure.c_str());
  if (log_sum_exp.address) {
    launch_transpose<false>(context, reinterpret_cast<float *>(scratch), log_sum_exp, 0, shape);
  }
  return ic_launched(context, "attention");
}

ic_status ic_attention_engine_backward(
  ic_context *context, ic_tensor dqkv, ic_tensor dy, ic_tensor y, ic_tensor log_sum_exp, ic_tensor qkv,
  ic_tensor slopes, ic_tensor document_starts, ic_attention_spec spec) {
  if (!serves(context, spec, qkv, slopes, document_starts) || !aligned(y) || !aligned(dy) || !aligned(dqkv)) {
    return IC_UNSUPPORTED;
  }
  ic_attention_engine *engine = context->attention;
  ic_attention_shape shape = shape_of(spec, qkv, y);
  shape.dqkv_stride = dqkv.stride;
  shape.dy_stride = dy.stride;
  // As many sequences at a time as divide the batch and fit.
  int64_t batch = shape.batch, score_bytes = shape.heads * shape.length * shape.length * 2;
  if (shape.length % engine->backward_tile != 0 || score_bytes >= engine->most_sequence_bytes) return IC_UNSUPPORTED;
  while (shape.batch > 1 && (batch % shape.batch != 0 || shape.batch * score_bytes > engine->most_score_bytes)) {
    shape.batch -= 1;
  }
  Plan *plan = plan_for(context, engine->backward, shape, "backward", ic_attention_backward_graph);
  if (!plan) return IC_UNSUPPORTED;

  size_t sums_bytes = padded(size_t(shape.batch * shape.length * shape.heads) * sizeof(float));
  char *scratch = static_cast<char *>(ic_scratch(context, 2 * sums_bytes + size_t(plan->graph.workspace_bytes)));
  if (!scratch) return IC_OUT_OF_MEMORY;

  int64_t q_width = int64_t(spec.heads) * spec.head_dimension, k_width = int64_t(spec.kv_heads) * spec.head_dimension;
  float scale = spec.scale, masked = -std::numeric_limits<float>::infinity(), one = 1;
  for (int64_t first = 0; first < batch; first += shape.batch) {
    int64_t row = first * shape.length;
    launch_transpose<true>(context, reinterpret_cast<float *>(scratch), log_sum_exp, row, shape);
    bool done = plan->run(
      context,
      {{IC_ATTENTION_Q, at(qkv, row, 0)},
       {IC_ATTENTION_K, at(qkv, row, q_width)},
       {IC_ATTENTION_V, at(qkv, row, q_width + k_width)},
       {IC_ATTENTION_Y, at(y, row, 0)},
       {IC_ATTENTION_LOG_SUM_EXP, scratch},
       {IC_ATTENTION_DY, at(dy, row, 0)},
       {IC_ATTENTION_DQ, at(dqkv, row, 0)},
       {IC_ATTENTION_DK, at(dqkv, row, q_width)},
       {IC_ATTENTION_DV, at(dqkv, row, q_width + k_width)},
       {IC_ATTENTION_DY_Y, scratch + sums_bytes},
       {IC_ATTENTION_SCALE, &scale},
       {IC_ATTENTION_MASKED, &masked},
       {IC_ATTENTION_ONE, &one}},
      scratch + 2 * sums_bytes);
    if (!done) return ic_fail(context, IC_CUDA_ERROR, "attention backward: cuDNN: %s", plan->graph.failure.c_str());
  }
  return ic_launched(context, "attention backward");
}

ic_status ic_attention_engine_create(ic_context *context, const ic_context_options *options) {
  ic_attention_engine *engine = context->attention = new ic_attention_engine();
  engine->reason = open(context, engine, options->library_folders);
  return IC_OK;
}

void ic_attention_engine_destroy(ic_context *context) {
  ic_attention_engine *engine = context->attention;
  if (!engine) return;
  engine->forward.clear();
  engine->backward.clear();
  if (engine->handle) engine->cudnn.destroy(engine->handle);
  delete engine;
  context->attention = nullptr;
}

void ic_attention_engine_describe(ic_context *context, char *words, size_t capacity) {
  ic_attention_engine *engine = context->attention;
  if (!engine->handle) {
    snprintf(words, capacity, "own kernels (%s)", engine->reason.c_str());
    return;
  }
  snprintf(
    words, capacity, "cuDNN %s (%s)%s", engine->library.version, engine->library.path, engine->reason.c_str());
}
