// Matrix products by cuBLASLt. Which of its algorithms multiplies is measured once for each problem and then
// remembered.
#include "algorithm_cache.h"
#include "cublaslt.h"
#include "include/libraries.h"
#include "kernels.cuh"
#include "matmul_plain.cuh"

#include <stdio.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

namespace {

const size_t workspace_bytes = 64 << 20;
const int most_candidates = 8;
const float one = 1, zero = 0;

// What the choice of an algorithm depends on. Alignment in bytes, of address and stride together (of a bias, its
// address; 0: no bias); more than 16 is of no use to any kernel.
struct Problem {
  int64_t rows, columns, inner, a_stride, b_stride, c_stride;
  int64_t input, output, transpose_a, transpose_b, add;
  int64_t a_alignment, b_alignment, c_alignment, bias_alignment;

  std::array<int64_t, 15> fields() const {
    return {rows,        columns,     inner, a_stride,    b_stride,    c_stride,    input,         output,
            transpose_a, transpose_b, add,   a_alignment, b_alignment, c_alignment, bias_alignment};
  }
  bool operator<(const Problem &other) const { return fields() < other.fields(); }
  std::string name() const {
    std::string text;
    for (int64_t field : fields()) text += (text.empty() ? "" : " ") + std::to_string(field);
    return text;
  }
};

// The descriptors of a problem and the algorithm chosen for it. cuBLASLt is column major: a row-major matrix is its
// transpose, and the product computed is cᵀ = op(b)ᵀ·op(a)ᵀ. Its first operand is b, its rows are c's columns: which is
// what its bias is added along.
struct Plan {
  cublasLtMatmulDesc_t description = nullptr;
  cublasLtMatrixLayout_t a = nullptr, b = nullptr, c = nullptr;
  cublasLtMatmulAlgo_t algorithm;
  // cuBLASLt can compute it.
  bool served = false;
};

int64_t alignment(uint64_t address, uint64_t stride_bytes) {
  uint64_t bits = address | stride_bytes | 16;
  return int64_t(bits & (~bits + 1));
}

int64_t alignment(ic_tensor tensor) {
  return alignment(tensor.address, uint64_t(tensor.stride) * (tensor.dtype == IC_FLOAT32 ? 4 : 2));
}

int data_type(int64_t dtype) { return dtype == IC_FLOAT32 ? CUDA_FLOAT32 : CUDA_BFLOAT16; }

const char *type_name(ic_dtype dtype) {
  return dtype == IC_FLOAT32 ? "float32" : dtype == IC_BFLOAT16 ? "bfloat16" : "int32";
}

}  // namespace

struct ic_matmul_engine {
  ic_library library = {};
  ic_cublaslt cublas = {};
  cublasLtHandle_t handle = nullptr;
  void *workspace = nullptr;
  int compute_type = CUBLAS_COMPUTE_FLOAT32;
  ic_algorithm_cache *choices = nullptr;
  std::map<Problem, Plan> plans;
};

namespace {

bool resolve(ic_library *library, ic_cublaslt &cublas) {
  const ic_symbol symbols[] = {
    {"cublasLtGetVersion", &cublas.version},
    {"cublasLtGetStatusString", &cublas.status_string},
    {"cublasLtCreate", &cublas.create},
    {"cublasLtDestroy", &cublas.destroy},
    {"cublasLtMatmulDescCreate", &cublas.description_create},
    {"cublasLtMatmulDescDestroy", &cublas.description_destroy},
    {"cublasLtMatmulDescSetAttribute", &cublas.description_set},
    {"cublasLtMatrixLayoutCreate", &cublas.layout_create},
    {"cublasLtMatrixLayoutDestroy", &cublas.layout_destroy},
    {"cublasLtMatmulPreferenceCreate", &cublas.preference_create},
    {"cublasLtMatmulPreferenceDestroy", &cublas.preference_destroy},
    {"cublasLtMatmulPreferenceSetAttribute", &cublas.preference_set},
    {"cublasLtMatmulAlgoGetHeuristic", &cublas.heuristic},
    {"cublasLtMatmulAlgoConfigGetAttribute", &cublas.config_get},
    {"cublasLtMatmul", &cublas.matmul},
  };
  return ic_resolve(library, symbols, sizeof symbols / sizeof symbols[0]);
}

// Enqueues the product with `algorithm` into `c`, adding to what is there when the problem says so.
int enqueue(
  ic_context *context, const Plan &plan, const cublasLtMatmulAlgo_t &algorithm, bool add, uint64_t a, uint64_t b,
  void *c) {
  ic_matmul_engine *engine = context->matmul;
  return engine->cublas.matmul(
    engine->handle, plan.description, &one, reinterpret_cast<const void *>(b), plan.b,
    reinterpret_cast<const void *>(a), plan.a, add ? &one : &zero, c, plan.c, c, plan.c, &algorithm,
    engine->workspace, workspace_bytes, context->stream);
}

bool describe(ic_matmul_engine *engine, const Problem &problem, uint64_t bias, Plan &plan) {
  const ic_cublaslt &cublas = engine->cublas;
  int type = data_type(problem.input);
  int compute_type = problem.input == IC_FLOAT32 ? engine->compute_type : CUBLAS_COMPUTE_FLOAT32;
  auto layout = [&](cublasLtMatrixLayout_t *result, int type, int64_t rows, int64_t columns, int64_t stride) {
    return cublas.layout_create(result, type, uint64_t(columns), uint64_t(rows), stride) == CUBLAS_SUCCESS;
  };
  auto set = [&](int attribute, const auto &value) {
    return cublas.description_set(plan.description, attribute, &value, sizeof value) == CUBLAS_SUCCESS;
  };
  bool ta = problem.transpose_a, tb = problem.transpose_b;
  int32_t first = tb ? CUBLAS_TRANSPOSE : CUBLAS_NO_TRANSPOSE, second = ta ? CUBLAS_TRANSPOSE : CUBLAS_NO_TRANSPOSE;
  int64_t rows = problem.rows, columns = problem.columns, inner = problem.inner;
  bool described =
    cublas.description_create(&plan.description, compute_type, CUDA_FLOAT32) == CUBLAS_SUCCESS &&
    set(CUBLASLT_DESCRIPTION_TRANSPOSE_A, first) && set(CUBLASLT_DESCRIPTION_TRANSPOSE_B, second) &&
    layout(&plan.a, type, ta ? inner : rows, ta ? rows : inner, problem.a_stride) &&
    layout(&plan.b, type, tb ? columns : inner, tb ? inner : columns, problem.b_stride) &&
    layout(&plan.c, data_type(problem.output), rows, columns, problem.c_stride);
  if (!described || !problem.bias_alignment) return described;
  uint32_t epilogue = CUBLASLT_EPILOGUE_WITH_BIAS;
  int32_t bias_type = data_type(problem.output);
  return set(CUBLASLT_DESCRIPTION_EPILOGUE, epilogue) && set(CUBLASLT_DESCRIPTION_BIAS_POINTER, bias) &&
         set(CUBLASLT_DESCRIPTION_BIAS_DATA_TYPE, bias_type);
}

void destroy(const ic_cublaslt &cublas, Plan &plan) {
  if (plan.description) cublas.description_destroy(plan.description);
  for (cublasLtMatrixLayout_t layout : {plan.a, plan.b, plan.c}) {
    if (layout) cublas.layout_destroy(layout);
  }
}

// cuBLASLt's own choice and its runners-up, best first. Never one that adds the parts of a split inner dimension in the
// order in which they finish, nor one that rounds them to the output's type before.
std::vector<cublasLtMatmulAlgo_t> candidates(ic_matmul_engine *engine, const Problem &problem, const Plan &plan) {
  const ic_cublaslt &cublas = engine->cublas;
  std::vector<cublasLtMatmulAlgo_t> algorithms;
  cublasLtMatmulPreference_t preference = nullptr;
  if (cublas.preference_create(&preference) != CUBLAS_SUCCESS) return algorithms;
  auto set = [&](int attribute, auto value) {
    return cublas.preference_set(preference, attribute, &value, sizeof value) == CUBLAS_SUCCESS;
  };
  cublasLtMatmulHeuristicResult_t results[most_candidates] = {};
  int count = 0;
  // Its first operand is our b.
  if (set(CUBLASLT_PREFERENCE_WORKSPACE, uint64_t(workspace_bytes)) &&
      set(CUBLASLT_PREFERENCE_REDUCTION_MASK, uint32_t(CUBLASLT_REDUCTION_COMPUTE_TYPE)) &&
      set(CUBLASLT_PREFERENCE_ALIGNMENT_A, uint32_t(problem.b_alignment)) &&
      set(CUBLASLT_PREFERENCE_ALIGNMENT_B, uint32_t(problem.a_alignment)) &&
      set(CUBLASLT_PREFERENCE_ALIGNMENT_C, uint32_t(problem.c_alignment)) &&
      set(CUBLASLT_PREFERENCE_ALIGNMENT_D, uint32_t(problem.c_alignment)) &&
      cublas.heuristic(
        engine->handle, plan.description, plan.b, plan.a, plan.c, plan.c, preference, most_candidates, results,
        &count) == CUBLAS_SUCCESS) {
    for (int i = 0; i < count; i += 1) {
      if (results[i].state == CUBLAS_SUCCESS) algorithms.push_back(results[i].algo);
    }
  }
  cublas.preference_destroy(preference);
  return algorithms;
}

// Names a candidate: its place, then its configuration. The same GPU and library list the same ones again; where they
// do not, the name does not fit, and what the cache says is of no use. Nothing read from a file reaches cuBLASLt.
std::string choice_name(const ic_cublaslt &cublas, const std::vector<cublasLtMatmulAlgo_t> &algorithms, size_t index) {
  std::string name = std::to_string(index) + ":";
  for (int attribute = 0; attribute < CUBLASLT_CONFIG_COUNT; attribute += 1) {
    // Two of them have 2 bytes, the others 4.
    uint32_t value = 0;
    size_t bytes = 0;
    bool known = cublas.config_get(&algorithms[index], attribute, nullptr, 0, &bytes) == CUBLAS_SUCCESS &&
                 bytes <= sizeof value &&
                 cublas.config_get(&algorithms[index], attribute, &value, bytes, &bytes) == CUBLAS_SUCCESS;
    name += known ? " " + std::to_string(value) : " -";
  }
  return name;
}

class Stopwatch {
public:
  Stopwatch()
      : good(
          cudaEventCreateWithFlags(&from, cudaEventDefault) == cudaSuccess &&
          cudaEventCreateWithFlags(&to, cudaEventDefault) == cudaSuccess) {}
  ~Stopwatch() {
    if (from) cudaEventDestroy(from);
    if (to) cudaEventDestroy(to);
  }
  // Milliseconds that the launches of `body` took on the device; negative: they failed.
  template <class Body> float time(cudaStream_t stream, Body body) {
    float milliseconds = -1;
    if (!good || cudaEventRecord(from, stream) != cudaSuccess || !body() ||
        cudaEventRecord(to, stream) != cudaSuccess || cudaEventSynchronize(to) != cudaSuccess ||
        cudaEventElapsedTime(&milliseconds, from, to) != cudaSuccess) {
      return -1;
    }
    return milliseconds;
  }

private:
  cudaEvent_t from = nullptr, to = nullptr;
  bool good;
};

// The index of the fastest candidate, by the median of several rounds through all of them (so that a change of clocks
// meets all alike). It multiplies a and b as they are, into memory of its own. Negative: nothing could be measured.
int fastest(
  ic_context *context, const Problem &problem, const Plan &plan, const std::vector<cublasLtMatmulAlgo_t> &algorithms,
  uint64_t a, uint64_t b) {
  const int rounds = 5;
  // Products shorter than this are launched several times in a row, or the events would be what is measured.
  const float shortest = 0.2f;
  const int most_launches = 20;

  void *c = nullptr;
  size_t bytes = size_t(problem.rows) * size_t(problem.c_stride) * (problem.output == IC_FLOAT32 ? 4 : 2);
  if (cudaMalloc(&c, bytes) != cudaSuccess) {
    cudaGetLastError();
    return -1;
  }
  cudaMemsetAsync(c, 0, bytes, context->stream);
  Stopwatch stopwatch;
  std::vector<std::vector<float>> times(algorithms.size());
  std::vector<int> launches(algorithms.size(), 1);
  // Round 0 warms up and counts; a candidate that fails stays out of the others.
  for (int round = 0; round <= rounds; round += 1) {
    for (size_t i = 0; i < algorithms.size(); i += 1) {
      if (launches[i] == 0) continue;
      float milliseconds = stopwatch.time(context->stream, [&] {
        for (int launch = 0; launch < launches[i]; launch += 1) {
          if (enqueue(context, plan, algorithms[i], problem.add, a, b, c) != CUBLAS_SUCCESS) return false;
        }
        return true;
      });
      if (milliseconds < 0) {
        launches[i] = 0;
        times[i].clear();
      } else if (round == 0) {
        launches[i] = std::max(1, std::min(most_launches, int(shortest / std::max(milliseconds, 1e-3f))));
      } else {
        times[i].push_back(milliseconds / float(launches[i]));
      }
    }
  }
  cudaStreamSynchronize(context->stream);
  cudaFree(c);
  cudaGetLastError();

  int best = -1;
  float best_time = 0;
  for (size_t i = 0; i < algorithms.size(); i += 1) {
    if (times[i].empty()) continue;
    std::sort(times[i].begin(), times[i].end());
    float median = times[i][times[i].size() / 2];
    if (best < 0 || median < best_time) {
      best = int(i);
      best_time = median;
    }
  }
  return best;
}

// The plan of a problem; the first time, outside of captures, this chooses the algorithm.
Plan &plan_for(ic_context *context, const Problem &problem, uint64_t a, uint64_t b, uint64_t bias) {
  ic_matmul_engine *engine = context->matmul;
  auto known = engine->plans.find(problem);
  if (known != engine->plans.end()) return known->second;

  Plan &plan = engine->plans[problem];
  if (!describe(engine, problem, bias, plan)) return plan;
  std::vector<cublasLtMatmulAlgo_t> algorithms = candidates(engine, problem, plan);
  if (algorithms.empty()) return plan;
  plan.served = true;

  std::string name = problem.name();
  int chosen = -1;
  if (const std::string *choice = engine->choices->find(name)) {
    for (size_t i = 0; i < algorithms.size() && chosen < 0; i += 1) {
      if (*choice == choice_name(engine->cublas, algorithms, i)) chosen = int(i);
    }
  }
  bool remembered = chosen >= 0;
  if (remembered) algorithms = {algorithms[size_t(chosen)]};
  if (!context->tuning) algorithms.resize(1);
  // Also where there is no choice: a kernel is loaded when it is first launched, which must not be in a capture.
  int best = context->capturing ? -1 : fastest(context, problem, plan, algorithms, a, b);
  size_t index = size_t(std::max(0, best));
  plan.algorithm = algorithms[index];
  if (best >= 0 && !remembered && context->tuning) {
    engine->choices->store(name, choice_name(engine->cublas, algorithms, index));
  }
  return plan;
}

std::string shape_words(const char *name, ic_tensor tensor, bool transposed) {
  return std::string(name) + " [" + std::to_string(tensor.rows) + ", " + std::to_string(tensor.columns) + "] " +
         type_name(tensor.dtype) + (transposed ? " transposed" : "");
}

}  // namespace

ic_status ic_matmul(
  ic_context *context, ic_tensor c, ic_tensor a, ic_tensor b, int32_t transpose_a, int32_t transpose_b,
  ic_accumulation accumulate, ic_tensor bias) {
  auto words = [&] {
    return shape_words("c", c, false) + ", " + shape_words("a", a, transpose_a) + ", " +
           shape_words("b", b, transpose_b) + (bias.address ? ", " + shape_words("bias", bias, false) : "");
  };
  int64_t inner = transpose_a ? a.rows : a.columns;
  bool fits = (transpose_a ? a.columns : a.rows) == c.rows && (transpose_b ? b.rows : b.columns) == c.columns &&
              (transpose_b ? b.columns : b.rows) == inner && inner > 0 && a.dtype == b.dtype &&
              a.dtype != IC_INT32 && c.dtype != IC_INT32 &&
              (!bias.address || (bias.rows * bias.columns == c.columns && bias.dtype == a.dtype));
  if (!fits) return ic_fail(context, IC_INVALID, "matmul: these do not multiply: %s", words().c_str());
  if (c.rows == 0 || c.columns == 0) return IC_OK;

  // cuBLASLt's bias has the type of its output, and may be read 16 bytes at a time.
  bool separate_bias = bias.address && (bias.dtype != c.dtype || bias.address % 16 != 0);
  uint64_t fused_bias = separate_bias ? 0 : bias.address;
  Problem problem = {
    c.rows, c.columns, inner, a.stride, b.stride, c.stride, a.dtype, c.dtype, transpose_a != 0, transpose_b != 0,
    accumulate == IC_ADD, alignment(a), alignment(b), alignment(c), fused_bias ? alignment(fused_bias, 0) : 0};
  Plan &plan = plan_for(context, problem, a.address, b.address, fused_bias);
  if (!plan.served) return ic_matmul_plain(context, c, a, b, transpose_a, transpose_b, accumulate, bias);

  ic_matmul_engine *engine = context->matmul;
  int status = CUBLAS_SUCCESS;
  if (fused_bias && !context->preparing) {
    status = engine->cublas.description_set(
      plan.description, CUBLASLT_DESCRIPTION_BIAS_POINTER, &fused_bias, sizeof fused_bias);
  }
  if (status == CUBLAS_SUCCESS && !context->preparing) {
    status = enqueue(
      context, plan, plan.algorithm, problem.add, a.address, b.address, reinterpret_cast<void *>(c.address));
  }
  if (status != CUBLAS_SUCCESS) {
    return ic_fail(
      context, IC_CUDA_ERROR, "matmul: %s: cuBLASLt says: %s", words().c_str(), engine->cublas.status_string(status));
  }
  if (separate_bias) return ic_matmul_add_bias(context, c, bias);
  return ic_launched(context, "matmul");
}

ic_status ic_matmul_engine_create(ic_context *context, const ic_context_options *options) {
  // That of the CUDA this was built with first: it runs with the same drivers.
#if CUDART_VERSION >= 13000
  const char *const names[] = {"libcublasLt.so.13", "libcublasLt.so.12", nullptr};
  const char *advice = "pip install nvidia-cublas, or name its folder in INHERITUNE_CUDA_LIBS";
#else
  const char *const names[] = {"libcublasLt.so.12", "libcublasLt.so.13", nullptr};
  const char *advice = "pip install nvidia-cublas-cu12, or name its folder in INHERITUNE_CUDA_LIBS";
#endif
  auto *engine = context->matmul = new ic_matmul_engine();
  ic_open_library(&engine->library, names, options->library_folders, advice);
  if (!engine->library.handle) {
    return ic_fail(context, IC_NO_LIBRARY, "cuBLASLt multiplies matrices: %s", engine->library.reason);
  }
  if (!resolve(&engine->library, engine->cublas)) return ic_fail(context, IC_NO_LIBRARY, "%s", engine->library.reason);
  ic_set_version(&engine->library, engine->cublas.version());
  int status = engine->cublas.create(&engine->handle);
  if (status != CUBLAS_SUCCESS) {
    return ic_fail(
      context, IC_NO_LIBRARY, "cuBLASLt %s (%s) does not start: %s; a driver too old for it says so too",
      engine->library.version, engine->library.path, engine->cublas.status_string(status));
  }
  if (cudaMalloc(&engine->workspace, workspace_bytes) != cudaSuccess) {
    cudaGetLastError();
    return ic_fail(
      context, IC_OUT_OF_MEMORY, "no memory for the workspace of cuBLASLt (%zu MiB)", workspace_bytes >> 20);
  }
  if (context->math == IC_MATH_TFLOAT32) engine->compute_type = CUBLAS_COMPUTE_FAST_TFLOAT32;

  cudaDeviceProp properties;
  if (cudaGetDeviceProperties(&properties, context->device) != cudaSuccess) {
    return ic_fail(context, IC_CUDA_ERROR, "the name of GPU %d cannot be read", context->device);
  }
  std::string machine = std::string(properties.name) + ", cuBLASLt " + engine->library.version +
                        (context->math == IC_MATH_TFLOAT32 ? ", tf32" : "");
  engine->choices = new ic_algorithm_cache(options->algorithm_cache, machine);
  return IC_OK;
}

void ic_matmul_engine_destroy(ic_context *context) {
  ic_matmul_engine *engine = context->matmul;
  if (!engine) return;
  for (auto &[problem, plan] : engine->plans) destroy(engine->cublas, plan);
  if (engine->handle) engine->cublas.destroy(engine->handle);
  if (engine->workspace) cudaFree(engine->workspace);
  delete engine->choices;
  delete engine;
  context->matmul = nullptr;
}

void ic_matmul_engine_describe(ic_context *context, char *words, size_t capacity) {
  ic_matmul_engine *engine = context->matmul;
  const std::string &failure = engine->choices->failure;
  snprintf(
    words, capacity, "cuBLASLt %s (%s)%s%s", engine->library.version, engine->library.path,
    failure.empty() ? "" : "; the choice of algorithms is not remembered: ", failure.c_str());
}
