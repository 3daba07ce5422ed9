// What is used of cuDNN 9's backend interface, declared by hand: cuDNN is opened at run time (libraries.h), and its
// headers come in wheels of 370 MB. Everything is a descriptor with attributes; the numbers are the same in all of
// cuDNN 9.
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct cudnnContext *cudnnHandle_t;
typedef void *cudnnBackendDescriptor_t;
typedef void *cudnnStream_t;

enum : int {
  CUDNN_SUCCESS = 0,
  // cudnnDataType_t
  CUDNN_FLOAT32 = 0,
  CUDNN_INT32 = 4,
  CUDNN_BFLOAT16 = 9,
  CUDNN_BOOLEAN = 11,
  // cudnnPointwiseMode_t
  CUDNN_ADD = 0,
  CUDNN_MULTIPLY = 1,
  CUDNN_DIVIDE = 6,
  CUDNN_SUBTRACT = 9,
  CUDNN_EXP = 13,
  CUDNN_LOG = 15,
  CUDNN_NOT_LESS = 303,
  CUDNN_INDEX = 501,
  CUDNN_SELECT = 601,
  // cudnnReduceTensorOp_t
  CUDNN_SUM = 0,
  CUDNN_MAXIMUM = 3,
  // cudnnBackendHeurMode_t
  CUDNN_HEURISTIC_FALLBACK = 2,
  CUDNN_HEURISTIC_A = 3,
  // cudnnBackendNumericalNote_t
  CUDNN_NOTE_NONDETERMINISTIC = 4,
  CUDNN_NOTES = 64,
};

enum cudnn_descriptor : int {
  CUDNN_POINTWISE = 0,
  CUDNN_ENGINE = 2,
  CUDNN_ENGINE_CONFIG = 3,
  CUDNN_ENGINE_HEURISTIC = 4,
  CUDNN_EXECUTION_PLAN = 5,
  CUDNN_POINTWISE_OPERATION = 13,
  CUDNN_OPERATION_GRAPH = 15,
  CUDNN_VARIANT_PACK = 16,
  CUDNN_TENSOR = 17,
  CUDNN_MATMUL = 18,
  CUDNN_MATMUL_OPERATION = 19,
  CUDNN_REDUCTION = 21,
  CUDNN_REDUCTION_OPERATION = 22,
  CUDNN_RESHAPE_OPERATION = 31,
};

enum cudnn_attribute : int {
  CUDNN_POINTWISE_MODE = 0,
  CUDNN_POINTWISE_PRECISION = 1,
  CUDNN_POINTWISE_AXIS = 9,
  CUDNN_HEURISTIC_MODE = 200,
  CUDNN_HEURISTIC_GRAPH = 201,
  CUDNN_HEURISTIC_RESULTS = 202,
  CUDNN_CONFIG_ENGINE = 300,
  CUDNN_PLAN_HANDLE = 400,
  CUDNN_PLAN_CONFIG = 401,
  CUDNN_PLAN_WORKSPACE = 402,
  CUDNN_POINTWISE_DESCRIPTION = 750,
  CUDNN_POINTWISE_X = 751,
  CUDNN_POINTWISE_B = 752,
  CUDNN_POINTWISE_Y = 753,
  CUDNN_POINTWISE_T = 758,
  CUDNN_GRAPH_HANDLE = 800,
  CUDNN_GRAPH_OPERATIONS = 801,
  CUDNN_TENSOR_ALIGNMENT = 900,
  CUDNN_TENSOR_TYPE = 901,
  CUDNN_TENSOR_DIMENSIONS = 902,
  CUDNN_TENSOR_STRIDES = 903,
  CUDNN_TENSOR_ID = 906,
  CUDNN_TENSOR_IS_VIRTUAL = 907,
  CUDNN_TENSOR_IS_BY_VALUE = 908,
  CUDNN_PACK_IDS = 1000,
  CUDNN_PACK_POINTERS = 1001,
  CUDNN_PACK_WORKSPACE = 1003,
  CUDNN_ENGINE_NOTES = 1303,
  CUDNN_MATMUL_PRECISION = 1500,
  CUDNN_MATMUL_A = 1520,
  CUDNN_MATMUL_B = 1521,
  CUDNN_MATMUL_C = 1522,
  CUDNN_MATMUL_DESCRIPTION = 1523,
  CUDNN_REDUCTION_OPERATOR = 1600,
  CUDNN_REDUCTION_PRECISION = 1601,
  CUDNN_REDUCTION_X = 1610,
  CUDNN_REDUCTION_Y = 1611,
  CUDNN_REDUCTION_DESCRIPTION = 1612,
  CUDNN_RESHAPE_X = 2200,
  CUDNN_RESHAPE_Y = 2201,
};

enum cudnn_attribute_type : int {
  CUDNN_AS_HANDLE = 0,
  CUDNN_AS_DATA_TYPE = 1,
  CUDNN_AS_BOOLEAN = 2,
  CUDNN_AS_INT64 = 3,
  CUDNN_AS_POINTER = 6,
  CUDNN_AS_HEURISTIC_MODE = 8,
  CUDNN_AS_NOTE = 11,
  CUDNN_AS_POINTWISE_MODE = 14,
  CUDNN_AS_DESCRIPTOR = 15,
  CUDNN_AS_REDUCTION_OPERATOR = 18,
};

struct ic_cudnn {
  size_t (*version)();
  void (*last_error)(char *message, size_t capacity);
  int (*create)(cudnnHandle_t *);
  int (*destroy)(cudnnHandle_t);
  int (*set_stream)(cudnnHandle_t, cudnnStream_t);
  int (*create_descriptor)(int type, cudnnBackendDescriptor_t *);
  int (*destroy_descriptor)(cudnnBackendDescriptor_t);
  int (*set_attribute)(cudnnBackendDescriptor_t, int name, int type, int64_t count, const void *elements);
  int (*get_attribute)(
    cudnnBackendDescriptor_t, int name, int type, int64_t requested, int64_t *count, void *elements);
  int (*finalize)(cudnnBackendDescriptor_t);
  int (*execute)(cudnnHandle_t, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t pack);
};
