#include "include/test_engines.h"

// Beside the emulation's own of these names.
#define ic_matmul cublaslt_matmul
#define ic_matmul_engine_create cublaslt_engine_create
#define ic_matmul_engine_destroy cublaslt_engine_destroy
#define ic_matmul_engine_describe cublaslt_engine_describe
#include "../../Sources/CUDAKernels/host.cuh"
#include "../../Sources/CUDAKernels/matmul_cublaslt.cu"
#include "matrix.h"

namespace {

// A context of the emulated device whose products are cuBLASLt's; `words` say why there is none.
class Session {
public:
  Session(const char *folder, const char *cache, char *words, size_t capacity) {
    ic_context_options options = {};
    options.library_folders = folder;
    options.algorithm_cache = cache;
    options.tune = 1;
    words[0] = 0;
    if (ic_context_create(&options, &context, words, capacity) != IC_OK) return;
    created = ic_matmul_engine_create(context, &options) == IC_OK;
    if (!created) snprintf(words, capacity, "%s", context->error);
  }
  ~Session() {
    if (!context) return;
    ic_matmul_engine_destroy(context);
    ic_context_destroy(context);
  }

  ic_context *context = nullptr;
  bool created = false;
};

const ic_tensor absent = {0, 0, 0, 0, IC_FLOAT32};

struct Case {
  int64_t rows, columns, inner;
  ic_dtype in, out;
  bool transpose_a, transpose_b, add, bias, prepare;
  int64_t shift, gap;
};

// What is wrong with one product; empty when nothing is.
std::string check(ic_context *context, const Case &test) {
  int64_t m = test.rows, n = test.columns, k = test.inner;
  Matrix a(context, test.transpose_a ? k : m, test.transpose_a ? m : k, test.in, test.shift, test.gap);
  Matrix b(context, test.transpose_b ? n : k, test.transpose_b ? k : n, test.in, test.shift, test.gap);
  Matrix c(context, m, n, test.out, test.shift, test.gap), bias(context, 1, n, test.in, test.shift, 0);
  auto multiply = [&] {
    return ic_matmul(
      context, c.tensor, a.tensor, b.tensor, test.transpose_a, test.transpose_b, test.add ? IC_ADD : IC_SET,
      test.bias ? bias.tensor : absent);
  };
  if (test.prepare) {
    context->preparing = true;
    ic_status status = multiply();
    context->preparing = false;
    if (status != IC_OK) return context->error;
    if (c.differs()) return "preparing writes into c";
  }
  if (multiply() != IC_OK) return context->error;
  ic_synchronize(context);
  if (c.gaps_were_written()) return "what is between the rows of c was written";
  for (int64_t i = 0; i < m; i += 1) {
    for (int64_t j = 0; j < n; j += 1) {
      double sum = (test.add ? c.before(i, j) : 0) + (test.bias ? bias.before(0, j) : 0);
      for (int64_t l = 0; l < k; l += 1) {
        double left = test.transpose_a ? a.before(l, i) : a.before(i, l);
        sum += left * (test.transpose_b ? b.before(j, l) : b.before(l, j));
      }
      double tolerance = test.out == IC_FLOAT32 ? 1e-4 : 1e-2 * fmax(1, fabs(sum));
      if (!(fabs(c.get(i, j) - sum) <= tolerance)) return "an element is wrong";
    }
  }
  return "";
}

}  // namespace

void test_cublaslt_products(const char *folder, char *words, size_t capacity) {
  Session session(folder, nullptr, words, capacity);
  if (!session.created) return;
  std::string all;
  for (ic_dtype in : {IC_FLOAT32, IC_BFLOAT16}) {
    for (ic_dtype out : {IC_FLOAT32, IC_BFLOAT16}) {
      for (int bits = 0; bits < 256; bits += 1) {
        auto bit = [&](int i) { return (bits >> i & 1) != 0; };
        // Odd rows of bfloat16 are what the cuBLASLt of the tests has no algorithm for.
        int64_t even = bit(7);
        Case test = {13 + even, 6, 9 + even, in, out, bit(0), bit(1), bit(2), bit(3), bit(4), bit(5), bit(6) ? 2 : 0};
        std::string wrong = check(session.context, test);
        if (wrong.empty()) continue;
        all += std::string("from ") + type_name(in) + " to " + type_name(out) + ", transposed " +
               std::to_string(bit(0)) + std::to_string(bit(1)) + ", add " + std::to_string(bit(2)) + ", bias " +
               std::to_string(bit(3)) + ", prepared " + std::to_string(bit(4)) + ", shift " + std::to_string(bit(5)) +
               ", gap " + std::to_string(bit(6)) + ", even " + std::to_string(even) + ": " + wrong + "\n";
      }
    }
  }
  snprintf(words, capacity, "%s", all.c_str());
}

void test_cublaslt_choice(const char *folder, const char *cache, char *words, size_t capacity) {
  Session session(folder, cache, words, capacity);
  if (!session.created) return;
  ic_context *context = session.context;
  Matrix a(context, 2, 4, IC_FLOAT32, 0, 0), b(context, 4, 2, IC_FLOAT32, 0, 0), c(context, 2, 2, IC_FLOAT32, 0, 0);
  for (int64_t i = 0; i < 4; i += 1) {
    for (int64_t j = 0; j < 2; j += 1) a.set(j, i, 0), b.set(i, j, 0);
  }
  for (int i = 0; i < 2; i += 1) ic_matmul(context, c.tensor, a.tensor, b.tensor, 0, 0, IC_SET, absent);
  ic_synchronize(context);
  char description[512];
  ic_matmul_engine_describe(context, description, sizeof description);
  snprintf(words, capacity, "%g %s", double(c.get(1, 1)), description);
}

void test_cublaslt_error(const char *folder, char *words, size_t capacity) {
  Session session(folder, nullptr, words, capacity);
  if (!session.created) return;
  ic_context *context = session.context;
  Matrix a(context, 2, 4, IC_BFLOAT16, 0, 0), b(context, 3, 2, IC_BFLOAT16, 0, 0), c(context, 2, 2, IC_FLOAT32, 0, 0);
  if (ic_matmul(context, c.tensor, a.tensor, b.tensor, 0, 0, IC_SET, absent) == IC_INVALID) {
    snprintf(words, capacity, "%s", context->error);
  }
}
