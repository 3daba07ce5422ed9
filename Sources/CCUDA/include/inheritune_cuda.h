// The boundary between inheritune and its CUDA library: one versioned table of functions in plain C.
//
// libinheritune_cuda.so (built by scripts/build-cuda.sh) exports one symbol, `inheritune_cuda_table`. The kernels mean
// exactly what the functions of the same names of the Swift protocol `Device` mean (Sources/Tensors/Device.swift): shape
// letters, set or add, units. They are asynchronous, in order, on the context's one stream; only `synchronize`, `download`
// and `elapsed` wait. A context is used from one thread at a time.
#ifndef INHERITUNE_CUDA_H
#define INHERITUNE_CUDA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// A library works with a program of the same major version whose table is not longer than its own: fields are only ever
// appended, with a new minor version.
#define IC_ABI_MAJOR 4
#define IC_ABI_MINOR 0

typedef enum {
  IC_OK = 0,
  IC_NO_DRIVER = 1,
  IC_NO_DEVICE = 2,
  IC_NO_LIBRARY = 3,
  IC_CUDA_ERROR = 4,
  IC_INVALID = 5,
  IC_OUT_OF_MEMORY = 6,
  IC_UNSUPPORTED = 7,
} ic_status;

// The raw values of the Swift enumeration `DType`.
typedef enum { IC_FLOAT32 = 0, IC_INT32 = 1, IC_BFLOAT16 = 2 } ic_dtype;

// A matrix in device memory: `rows` rows of `columns` elements, `stride` elements apart. address 0: absent.
typedef struct {
  uint64_t address;
  int64_t rows, columns, stride;
  ic_dtype dtype;
} ic_tensor;

// The Swift struct `StepScalars`: what changes between two launches of one graph.
typedef struct {
  float learning_rate, bias_correction1, bias_correction2, loss_scale, clip;
  int32_t position;
  uint32_t seed;
  int32_t non_finite;
} ic_step_scalars;

typedef enum { IC_SET = 0, IC_ADD = 1 } ic_accumulation;
typedef enum { IC_GELU_TANH = 0, IC_GELU_ERF = 1, IC_SILU = 2, IC_RELU = 3 } ic_activation;
typedef enum { IC_LAYER_NORM = 0, IC_RMS_NORM = 1 } ic_norm_kind;

typedef struct {
  ic_norm_kind kind;
  float epsilon;
  // Added to every weight.
  float weight_offset;
} ic_norm_spec;

typedef struct {
  int32_t heads, kv_heads, head_dimension, head_stride;
  float epsilon;
} ic_head_norm_spec;

typedef struct {
  int64_t length;
  int32_t heads, head_dimension;
  // Elements from one head to the next in a row; head_dimension where heads are not padded.
  int32_t head_stride;
} ic_rope_spec;

typedef struct {
  int64_t length;
  int32_t heads, kv_heads, head_dimension;
  float scale;
  // Keys that a query sees, itself included; 0: all before it.
  int32_t window;
  // c of c·tanh(s/c), which a scaled score s becomes; 0: it stays.
  float softcap;
} ic_attention_spec;

typedef struct {
  float beta2, epsilon, weight_decay, learning_rate_multiplier;
  // 1 − β₁ and 1 − β₂ as PyTorch has them: from the decimals, not from the rounded β.
  float one_minus_beta1, one_minus_beta2;
} ic_adamw_spec;

typedef struct {
  char name[128];
  // Compute capability 9.0 is 90.
  int32_t capability, multiprocessors;
  uint64_t total_memory, free_memory;
  // As CUDA counts them: 13000 is 13.0. Of the driver: the newest CUDA it can run.
  int32_t driver_version, runtime_version;
} ic_device_info;

// How float32 matrices are multiplied; bfloat16 ones always accumulate in float32.
typedef enum { IC_MATH_FLOAT32 = 0, IC_MATH_TFLOAT32 = 1 } ic_math;

typedef struct {
  int32_t device;
  ic_math math;
  // Wait after each kernel and report its error by name.
  int32_t check;
  // Take time to find the fastest algorithms, for programs that run thousands of times: measure those of matrix products,
  // compile attention for each shape. 0: the library's first guess, or what was found before; and own attention.
  int32_t tune;
  // Where to look for cuBLASLt and cuDNN first: folders separated by ':'; NULL: the usual places.
  const char *library_folders;
  // The file that remembers which algorithm was fastest for each matrix product, so that a run that is resumed computes
  // bit for bit what it would have; NULL: remember nothing.
  const char *algorithm_cache;
} ic_context_options;

// What a context computes with, for people: "cuBLASLt 13.0.2 (/usr/lib/…)", "cuDNN 9.19 (…)" or why it is not used.
typedef struct {
  char matmul[512], attention[512];
} ic_context_info;

typedef struct ic_context ic_context;
typedef struct ic_graph ic_graph;
typedef struct ic_event ic_event;

typedef struct {
  uint32_t size;  // of this struct, in bytes
  uint32_t major, minor, reserved;
  const char *build;  // "nvcc 13.0.88; sm_80 sm_86 sm_89 sm_90a, PTX 90"

  // MARK: Life. `reason` receives words for people when the status is not IC_OK.
  ic_status (*device_count)(int32_t *count, char *reason, size_t capacity);
  ic_status (*device_info)(int32_t device, ic_device_info *info, char *reason, size_t capacity);
  ic_status (*context_create)(
    const ic_context_options *options, ic_context **context, char *reason, size_t capacity);
  void (*context_destroy)(ic_context *context);
  void (*context_info)(ic_context *context, ic_context_info *info);
  // The words of the last status of this context that was not IC_OK: kernel, tensor shapes, CUDA's own message.
  const char *(*last_error)(ic_context *context);
  ic_status (*synchronize)(ic_context *context);

  // MARK: Memory
  // `bytes` of zeroed device memory, aligned to 256 bytes.
  ic_status (*allocate)(ic_context *context, uint64_t bytes, uint64_t *address);
  ic_status (*release)(ic_context *context, uint64_t address);
  ic_status (*memory_info)(ic_context *context, uint64_t *free, uint64_t *total);
  // `host` holds the rows one after the other. Returns when it may be reused, which is before the copy is done: it goes
  // through pinned memory.
  ic_status (*upload)(ic_context *context, const void *host, ic_tensor tensor);
  // Waits for everything launched so far.
  ic_status (*download)(ic_context *context, ic_tensor tensor, void *host);

  // MARK: Scalars
  // Host memory that the host may change at any time. Kernels see what it held at the last `store_scalars`;
  // `non_finite` is the other way round: the device sets it, at once, and nobody waits.
  ic_step_scalars *(*scalars)(ic_context *context);
  ic_status (*store_scalars)(ic_context *context);

  // MARK: Graphs and time
  // Between begin and end, kernels are not launched: they choose their algorithms, build their plans and take their
  // workspace, so that nothing of the kind happens while they are captured. What they would write may be written.
  ic_status (*prepare_begin)(ic_context *context);
  ic_status (*prepare_end)(ic_context *context);
  ic_status (*capture_begin)(ic_context *context);
  ic_status (*capture_end)(ic_context *context, ic_graph **graph);
  ic_status (*graph_launch)(ic_context *context, ic_graph *graph);
  void (*graph_destroy)(ic_context *context, ic_graph *graph);
  ic_status (*event_record)(ic_context *context, ic_event **event);
  // Milliseconds between two events; waits for the second.
  ic_status (*elapsed)(ic_context *context, ic_event *from, ic_event *to, float *milliseconds);
  void (*event_destroy)(ic_context *context, ic_event *event);

  // MARK: Linear algebra. a and b are of one dtype, float32 or bfloat16, as is bias; c is float32 or bfloat16.
  ic_status (*matmul)(
    ic_context *context, ic_tensor c, ic_tensor a, ic_tensor b, int32_t transpose_a, int32_t transpose_b,
    ic_accumulation accumulate, ic_tensor bias);
  // d_bias float32.
  ic_status (*bias_gradient)(ic_context *context, ic_tensor d_bias, ic_tensor dy);

  // MARK: Embedding. Gradients of tables float32.
  ic_status (*gather_rows)(
    ic_context *context, ic_tensor y, ic_tensor indices, ic_tensor table, ic_tensor positions, int64_t length,
    float scale);
  ic_status (*gather_rows_backward)(
    ic_context *context, ic_tensor d_table, ic_tensor d_positions, ic_tensor dy, ic_tensor indices, int64_t length,
    float scale);

  // MARK: Normalisation. statistics, d_weight and d_bias float32, the rest of one dtype.
  ic_status (*norm)(
    ic_context *context, ic_tensor y, ic_tensor statistics, ic_tensor sum, ic_tensor x, ic_tensor delta,
    ic_tensor weight, ic_tensor bias, ic_norm_spec spec);
  ic_status (*norm_backward)(
    ic_context *context, ic_tensor dx, ic_tensor d_weight, ic_tensor d_bias, ic_tensor dy, ic_tensor x,
    ic_tensor weight, ic_tensor statistics, ic_norm_spec spec, ic_accumulation accumulate);

  // MARK: Attention. table, log_sum_exp, slopes, statistics and gradients of weights float32, document_starts and spans
  // int32, the rest of one dtype.
  ic_status (*head_norm)(
    ic_context *context, ic_tensor y, ic_tensor statistics, ic_tensor x, ic_tensor query_weight, ic_tensor key_weight,
    ic_head_norm_spec spec);
  ic_status (*head_norm_backward)(
    ic_context *context, ic_tensor dx, ic_tensor d_query_weight, ic_tensor d_key_weight, ic_tensor dy, ic_tensor x,
    ic_tensor query_weight, ic_tensor key_weight, ic_tensor statistics, ic_head_norm_spec spec);
  ic_status (*rope)(ic_context *context, ic_tensor x, ic_tensor table, ic_rope_spec spec, int32_t inverse);
  ic_status (*attention)(
    ic_context *context, ic_tensor y, ic_tensor log_sum_exp, ic_tensor qkv, ic_tensor slopes,
    ic_tensor document_starts, ic_attention_spec spec);
  ic_status (*attention_backward)(
    ic_context *context, ic_tensor dqkv, ic_tensor dy, ic_tensor y, ic_tensor log_sum_exp, ic_tensor qkv,
    ic_tensor slopes, ic_tensor document_starts, ic_attention_spec spec);
  ic_status (*attention_cached)(
    ic_context *context, ic_tensor y, ic_tensor qkv, ic_tensor keys, ic_tensor values, ic_tensor slopes,
    int64_t capacity, ic_attention_spec spec);
  ic_status (*attention_tree)(
    ic_context *context, ic_tensor y, ic_tensor qkv, ic_tensor prefix_keys, ic_tensor prefix_values, ic_tensor spans,
    ic_tensor slopes, ic_attention_spec spec);

  // MARK: Pointwise
  ic_status (*activation)(ic_context *context, ic_tensor y, ic_tensor x, ic_activation kind);
  ic_status (*activation_backward)(
    ic_context *context, ic_tensor dx, ic_tensor dy, ic_tensor x, ic_activation kind);
  ic_status (*gated)(ic_context *context, ic_tensor y, ic_tensor gate_up, ic_activation kind);
  ic_status (*gated_backward)(
    ic_context *context, ic_tensor d_gate_up, ic_tensor dy, ic_tensor gate_up, ic_activation kind);
  ic_status (*add)(ic_context *context, ic_tensor y, ic_tensor a, ic_tensor b);
  // y = x of the same shape; between float32 and bfloat16 a conversion (round to nearest even).
  ic_status (*copy)(ic_context *context, ic_tensor y, ic_tensor x);
  ic_status (*fill)(ic_context *context, ic_tensor y, float value);

  // MARK: Losses. losses and scores float32. softcap 0: none.
  ic_status (*cross_entropy)(
    ic_context *context, ic_tensor losses, ic_tensor logits, ic_tensor targets, float softcap,
    int32_t gradient);
  ic_status (*log_probabilities)(
    ic_context *context, ic_tensor scores, ic_tensor greedy, ic_tensor logits, ic_tensor targets,
    float softcap);

  // MARK: Optimiser
  ic_status (*sum_of_squares)(ic_context *context, ic_tensor out, ic_tensor x);
  // parameters float32 or bfloat16. `master` (float32) is absent where parameters are float32; where it is given it is
  // what is updated, and parameters become its rounded values. gradients float32. m and v both float32, or both bfloat16:
  // then rounded stochastically, by counters of `scalars.seed` and the element's index.
  ic_status (*adamw)(
    ic_context *context, ic_tensor parameters, ic_tensor master, ic_tensor gradients, ic_tensor m, ic_tensor v,
    ic_tensor squared_norm, ic_adamw_spec spec);

  // MARK: Several GPUs: slots, not filled yet.
  void *collectives[8];
} ic_table;

typedef const ic_table *(*ic_table_function)(uint32_t major);
#define IC_TABLE_SYMBOL "inheritune_cuda_table"

#ifdef __cplusplus
}
#endif
#endif
