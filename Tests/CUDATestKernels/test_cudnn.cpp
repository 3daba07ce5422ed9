#include "include/test_engines.h"

// Before the emulation, which has words of CUDA as macros that the standard library uses otherwise.
#include <map>
#include <memory>
#include <string>

// Beside the emulation's own of these names.
#define ic_attention_engine_create cudnn_engine_create
#define ic_attention_engine_destroy cudnn_engine_destroy
#define ic_attention_engine_describe cudnn_engine_describe
#define ic_attention_engine_forward cudnn_engine_forward
#define ic_attention_engine_backward cudnn_engine_backward
#include "../../Sources/CUDAKernels/host.cuh"
#include "../../Sources/CUDAKernels/attention_cudnn.cu"
#include "../../Sources/CUDAKernels/attention_graphs.cu"
#include "../../Sources/CUDAKernels/cudnn_graph.cu"
#include "matrix.h"

namespace {

// A context of the emulated device, of this compute capability, with cuDNN for its attention.
class Session {
public:
  Session(const char *folder, int capability, char *words, size_t capacity) {
    ic_context_options options = {};
    options.tune = 1;
    options.library_folders = folder;
    words[0] = 0;
    if (ic_context_create(&options, &context, words, capacity) != IC_OK) return;
    context->capability = capability;
    ic_attention_engine_create(context, &options);
  }
  ~Session() {
    if (!context) return;
    ic_attention_engine_destroy(context);
    ic_context_destroy(context);
  }

  ic_context *context = nullptr;
};

struct Attention {
  Attention(ic_context *context, const test_attention_shape &shape)
      : context(context), shape(shape), rows(shape.batch * shape.length), q_width(shape.heads * shape.head_dimension),
        k_width(shape.kv_heads * shape.head_dimension), type(shape.is_bfloat16 ? IC_BFLOAT16 : IC_FLOAT32),
        qkv(context, rows, q_width + 2 * k_width, type, 0, shape.gap),
        dqkv(context, rows, q_width + 2 * k_width, type, 0, shape.gap), y(context, rows, q_width, type, 0, shape.gap),
        dy(context, rows, q_width, type, 0, shape.gap),
        log_sum_exp(context, rows, shape.heads, IC_FLOAT32, 0, shape.gap),
        slopes(context, 1, shape.heads, IC_FLOAT32, 0, 0), document_starts(context, rows, 1, IC_FLOAT32, 0, 0) {
    spec = {
      shape.length, shape.heads, shape.kv_heads, shape.head_dimension, 0.37f, shape.window, shape.softcap};
  }

  ic_status run() {
    // First as when a graph is prepared, then for good.
    for (bool preparing : {true, false}) {
      context->preparing = preparing;
      const ic_tensor given_slopes = shape.has_slopes ? slopes.tensor : ic_tensor();
      const ic_tensor given_starts = shape.has_documents ? document_starts.tensor : ic_tensor();
      ic_status status =
        cudnn_engine_forward(context, y.tensor, log_sum_exp.tensor, qkv.tensor, given_slopes, given_starts, spec);
      if (status == IC_OK) {
        status = cudnn_engine_backward(
          context, dqkv.tensor, dy.tensor, y.tensor, log_sum_exp.tensor, qkv.tensor, given_slopes, given_starts, spec);
      }
      context->preparing = false;
      if (status != IC_OK) return status;
      // A plan's first run is for loading it; what is launched here is not run.
      if (preparing && log_sum_exp.differs()) return ic_fail(context, IC_INVALID, "preparing launches");
      if (preparing && !y.differs()) return ic_fail(context, IC_INVALID, "preparing does not load the plan");
    }
    return ic_synchronize(context);
  }

  // What is wrong with the results; empty when nothing is.
  std::string check() {
    for (const Matrix *matrix : {&qkv, &dqkv, &y, &dy, &log_sum_exp}) {
      if (matrix->gaps_were_written()) return "what is between rows was written";
    }
    if (qkv.differs() || dy.differs()) return "an input was written";
    std::vector<double> expected(size_t(rows * (q_width + 2 * k_width)));
    std::string wrong;
    for (int64_t b = 0; b < shape.batch && wrong.empty(); b += 1) {
      for (int64_t h = 0; h < shape.heads && wrong.empty(); h += 1) wrong = check_head(b, h, expected);
    }
    double largest = 0;
    for (double value : expected) largest = fmax(largest, fabs(value));
    for (int64_t i = 0; i < rows && wrong.empty(); i += 1) {
      for (int64_t j = 0; j < q_width + 2 * k_width; j += 1) {
        double value = expected[size_t(i * (q_width + 2 * k_width) + j)];
        if (!(fabs(dqkv.get(i, j) - value) <= 0.01 * largest)) {
          wrong = "dqkv[" + std::to_string(i) + ", " + std::to_string(j) + "] is " + std::to_string(dqkv.get(i, j)) +
                  ", not " + std::to_string(value);
        }
      }
    }
    return wrong;
  }

private:
  // y and the log-sum-exp of one head; adds its gradients to `expected`.
  std::string check_head(int64_t b, int64_t h, std::vector<double> &expected) {
    const int64_t d = shape.head_dimension, group = h * shape.kv_heads / shape.heads;
    const int64_t q = h * d, k = q_width + group * d, v = q_width + k_width + group * d, first = b * shape.length;
    const int64_t width = q_width + 2 * k_width;
    for (int64_t i = 0; i < shape.length; i += 1) {
      std::vector<double> scores(size_t(i + 1), 0), d_scores(size_t(i + 1), 0);
      double sum = 0, dy_y = 0;
      for (int64_t j = 0; j <= i; j += 1) {
        for (int64_t c = 0; c < d; c += 1) {
          scores[size_t(j)] += double(qkv.get(first + i, q + c)) * qkv.get(first + j, k + c);
          d_scores[size_t(j)] += double(dy.get(first + i, q + c)) * qkv.get(first + j, v + c);
        }
        sum += exp(scores[size_t(j)] * spec.scale);
      }
      if (!(fabs(log_sum_exp.get(first + i, h) - log(sum)) < 1e-4)) return "a log-sum-exp is wrong";
      for (int64_t c = 0; c < d; c += 1) {
        double value = 0;
        for (int64_t j = 0; j <= i; j += 1) {
          value += exp(scores[size_t(j)] * spec.scale) / sum * qkv.get(first + j, v + c);
        }
        if (!(fabs(y.get(first + i, q + c) - value) <= 0.01 * fmax(1, fabs(value)))) return "an element of y is wrong";
        dy_y += value * dy.get(first + i, q + c);
      }
      for (int64_t j = 0; j <= i; j += 1) {
        double probability = exp(scores[size_t(j)] * spec.scale) / sum;
        double d_score = probability * (d_scores[size_t(j)] - dy_y) * spec.scale;
        for (int64_t c = 0; c < d; c += 1) {
          expected[size_t((first + i) * width + q + c)] += d_score * qkv.get(first + j, k + c);
          expected[size_t((first + j) * width + k + c)] += d_score * qkv.get(first + i, q + c);
          expected[size_t((first + j) * width + v + c)] += probability * dy.get(first + i, q + c);
        }
      }
    }
    return "";
  }

  ic_context *context;
  test_attention_shape shape;
  int64_t rows, q_width, k_width;
  ic_dtype type;
  ic_attention_spec spec;
  Matrix qkv, dqkv, y, dy, log_sum_exp, slopes, document_starts;
};

}  // namespace

void test_cudnn_attention(const char *folder, test_attention_shape shape, char *words, size_t capacity) {
  Session session(folder, 90, words, capacity);
  if (!session.context) return;
  session.context->attention->most_score_bytes = shape.most_score_bytes;
  session.context->attention->most_sequence_bytes = shape.most_sequence_bytes;
  session.context->attention->backward_tile = shape.backward_tile;
  Attention attention(session.context, shape);
  ic_status status = attention.run();
  if (status == IC_UNSUPPORTED) snprintf(words, capacity, "not served");
  else snprintf(words, capacity, "%s", status == IC_OK ? attention.check().c_str() : session.context->error);
}

void test_cudnn_description(
  const char *folder, int32_t capability, test_attention_shape shape, char *words, size_t capacity) {
  Session session(folder, capability, words, capacity);
  if (!session.context) return;
  Attention(session.context, shape).run();
  ic_attention_engine_describe(session.context, words, capacity);
}
