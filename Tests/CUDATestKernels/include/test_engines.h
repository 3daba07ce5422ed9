// The code that calls NVIDIA's libraries, over the emulation of CUDA and with libraries made for tests (Tests/Fakes).
#ifndef TEST_ENGINES_H
#define TEST_ENGINES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Products of every combination of types, transposes, strides and alignments through matmul_cublaslt.cu with the
// cuBLASLt in `folder`, against sums in double. `words` receives what is wrong.
void test_cublaslt_products(const char *folder, char *words, size_t capacity);

// A product of zeros, twice; `words` receives an element, and how the engine describes itself. `cache` may be NULL.
void test_cublaslt_choice(const char *folder, const char *cache, char *words, size_t capacity);

// The error of a product of shapes that do not fit.
void test_cublaslt_error(const char *folder, char *words, size_t capacity);

typedef struct {
  int64_t batch, length;
  int32_t heads, kv_heads, head_dimension, window;
  float softcap;
  int32_t has_slopes, has_documents;
  // Elements between the rows of each tensor that nobody may touch.
  int64_t gap;
  // bfloat16; else float32.
  int32_t is_bfloat16;
  // What the gradients of the scores may take before the batch is taken in parts.
  int64_t most_score_bytes, most_sequence_bytes, backward_tile;
} test_attention_shape;

// Attention and its gradients through attention_cudnn.cu with the cuDNN in `folder`, against sums in double. `words`
// receives what is wrong, or that the shape is not served.
void test_cudnn_attention(const char *folder, test_attention_shape shape, char *words, size_t capacity);

// How the engine describes itself on a GPU of this compute capability, after `shape`.
void test_cudnn_description(
  const char *folder, int32_t capability, test_attention_shape shape, char *words, size_t capacity);

#ifdef __cplusplus
}
#endif
#endif
