// What is used of cuBLASLt's C interface, declared by hand: cuBLASLt is opened at run time (libraries.h), and neither
// its headers nor its version are known when this is built. The same from CUDA 11.8 on.
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct cublasLtContext *cublasLtHandle_t;
typedef struct cublasLtMatmulDescOpaque *cublasLtMatmulDesc_t;
typedef struct cublasLtMatrixLayoutOpaque *cublasLtMatrixLayout_t;
typedef struct cublasLtMatmulPreferenceOpaque *cublasLtMatmulPreference_t;
typedef void *cublasLtStream_t;

struct cublasLtMatmulAlgo_t {
  uint64_t data[8];
};

struct cublasLtMatmulHeuristicResult_t {
  cublasLtMatmulAlgo_t algo;
  size_t workspaceSize;
  int state;
  float wavesCount;
  int reserved[4];
};

enum : int {
  CUBLAS_SUCCESS = 0,
  // cudaDataType
  CUDA_FLOAT32 = 0,
  CUDA_BFLOAT16 = 14,
  // cublasComputeType_t
  CUBLAS_COMPUTE_FLOAT32 = 68,
  CUBLAS_COMPUTE_FAST_TFLOAT32 = 77,
  // cublasOperation_t
  CUBLAS_NO_TRANSPOSE = 0,
  CUBLAS_TRANSPOSE = 1,
  // cublasLtMatmulDescAttributes_t
  CUBLASLT_DESCRIPTION_TRANSPOSE_A = 3,
  CUBLASLT_DESCRIPTION_TRANSPOSE_B = 4,
  CUBLASLT_DESCRIPTION_EPILOGUE = 7,
  CUBLASLT_DESCRIPTION_BIAS_POINTER = 8,
  CUBLASLT_DESCRIPTION_BIAS_DATA_TYPE = 26,
  // cublasLtEpilogue_t
  CUBLASLT_EPILOGUE_WITH_BIAS = 4,
  // cublasLtMatmulPreferenceAttributes_t
  CUBLASLT_PREFERENCE_WORKSPACE = 1,
  CUBLASLT_PREFERENCE_REDUCTION_MASK = 3,
  CUBLASLT_PREFERENCE_ALIGNMENT_A = 5,
  CUBLASLT_PREFERENCE_ALIGNMENT_B = 6,
  CUBLASLT_PREFERENCE_ALIGNMENT_C = 7,
  CUBLASLT_PREFERENCE_ALIGNMENT_D = 8,
  // cublasLtReductionScheme_t: those whose sums do not depend on the order in which blocks finish
  CUBLASLT_REDUCTION_COMPUTE_TYPE = 2,
  CUBLASLT_REDUCTION_OUTPUT_TYPE = 4,
  // cublasLtMatmulAlgoConfigAttributes_t: 0 (the algorithm) to 8 (the cluster shape)
  CUBLASLT_CONFIG_COUNT = 9,
};

struct ic_cublaslt {
  size_t (*version)();
  const char *(*status_string)(int status);
  int (*create)(cublasLtHandle_t *);
  int (*destroy)(cublasLtHandle_t);
  int (*description_create)(cublasLtMatmulDesc_t *, int compute_type, int scale_type);
  int (*description_destroy)(cublasLtMatmulDesc_t);
  int (*description_set)(cublasLtMatmulDesc_t, int attribute, const void *value, size_t bytes);
  int (*layout_create)(cublasLtMatrixLayout_t *, int type, uint64_t rows, uint64_t columns, int64_t leading_dimension);
  int (*layout_destroy)(cublasLtMatrixLayout_t);
  int (*preference_create)(cublasLtMatmulPreference_t *);
  int (*preference_destroy)(cublasLtMatmulPreference_t);
  int (*preference_set)(cublasLtMatmulPreference_t, int attribute, const void *value, size_t bytes);
  int (*heuristic)(
    cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
    cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d, cublasLtMatmulPreference_t, int requested,
    cublasLtMatmulHeuristicResult_t *, int *returned);
  int (*config_get)(const cublasLtMatmulAlgo_t *, int attribute, void *value, size_t bytes, size_t *written);
  int (*matmul)(
    cublasLtHandle_t, cublasLtMatmulDesc_t, const void *alpha, const void *a, cublasLtMatrixLayout_t a_layout,
    const void *b, cublasLtMatrixLayout_t b_layout, const void *beta, const void *c, cublasLtMatrixLayout_t c_layout,
    void *d, cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t *, void *workspace, size_t workspace_bytes,
    cublasLtStream_t);
};
