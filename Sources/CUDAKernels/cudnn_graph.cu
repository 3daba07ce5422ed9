#include "cudnn_graph.h"

#include <algorithm>

ic_cudnn_graph::~ic_cudnn_graph() {
  for (auto descriptor = descriptors.rbegin(); descriptor != descriptors.rend(); ++descriptor) {
    cudnn.destroy_descriptor(*descriptor);
  }
}

void ic_cudnn_graph::fail(const char *what) {
  if (!failure.empty()) return;
  char words[512] = "";
  cudnn.last_error(words, sizeof words);
  failure = std::string(what) + (words[0] ? ": " : "") + words;
  std::replace(failure.begin(), failure.end(), '\n', ' ');
}

ic_cudnn_graph::Descriptor ic_cudnn_graph::create(cudnn_descriptor type) {
  Descriptor descriptor = nullptr;
  if (cudnn.create_descriptor(type, &descriptor) != CUDNN_SUCCESS) {
    fail("no descriptor");
    return nullptr;
  }
  descriptors.push_back(descriptor);
  return descriptor;
}

void ic_cudnn_graph::set(
  Descriptor descriptor, cudnn_attribute name, cudnn_attribute_type type, const void *elements, int64_t count) {
  if (!descriptor || cudnn.set_attribute(descriptor, name, type, count, elements) != CUDNN_SUCCESS) {
    fail("an attribute was refused");
  }
}

bool ic_cudnn_graph::finalize(Descriptor descriptor) {
  return descriptor && cudnn.finalize(descriptor) == CUDNN_SUCCESS;
}

// MARK: Tensors

ic_cudnn_graph::Tensor ic_cudnn_graph::tensor(int64_t id, int type, Shape dimensions, Shape strides) {
  bool is_virtual = id == 0;
  int64_t alignment = 16, unique_id = is_virtual ? next_id++ : id;
  Tensor tensor = create(CUDNN_TENSOR);
  set(tensor, CUDNN_TENSOR_TYPE, CUDNN_AS_DATA_TYPE, &type);
  set(tensor, CUDNN_TENSOR_DIMENSIONS, CUDNN_AS_INT64, dimensions.data(), 4);
  set(tensor, CUDNN_TENSOR_STRIDES, CUDNN_AS_INT64, strides.data(), 4);
  set(tensor, CUDNN_TENSOR_ID, CUDNN_AS_INT64, &unique_id);
  set(tensor, CUDNN_TENSOR_ALIGNMENT, CUDNN_AS_INT64, &alignment);
  if (is_virtual) set(tensor, CUDNN_TENSOR_IS_VIRTUAL, CUDNN_AS_BOOLEAN, &is_virtual);
  if (!finalize(tensor)) fail("a tensor was refused");
  return tensor;
}

ic_cudnn_graph::Tensor ic_cudnn_graph::scalar(int64_t id) {
  const Shape ones = {1, 1, 1, 1};
  int type = CUDNN_FLOAT32;
  int64_t alignment = 16;
  bool by_value = true;
  Tensor tensor = create(CUDNN_TENSOR);
  set(tensor, CUDNN_TENSOR_TYPE, CUDNN_AS_DATA_TYPE, &type);
  set(tensor, CUDNN_TENSOR_DIMENSIONS, CUDNN_AS_INT64, ones.data(), 4);
  set(tensor, CUDNN_TENSOR_STRIDES, CUDNN_AS_INT64, ones.data(), 4);
  set(tensor, CUDNN_TENSOR_ID, CUDNN_AS_INT64, &id);
  set(tensor, CUDNN_TENSOR_ALIGNMENT, CUDNN_AS_INT64, &alignment);
  set(tensor, CUDNN_TENSOR_IS_BY_VALUE, CUDNN_AS_BOOLEAN, &by_value);
  if (!finalize(tensor)) fail("a scalar was refused");
  return tensor;
}

ic_cudnn_graph::Tensor ic_cudnn_graph::intermediate(int type, Shape dimensions, Shape strides) {
  return tensor(0, type, dimensions, strides);
}

// MARK: Operations

void ic_cudnn_graph::pointwise(int mode, int precision, int64_t axis, Tensor y, Tensor x, Tensor b, Tensor select) {
  Descriptor description = create(CUDNN_POINTWISE);
  set(description, CUDNN_POINTWISE_MODE, CUDNN_AS_POINTWISE_MODE, &mode);
  set(description, CUDNN_POINTWISE_PRECISION, CUDNN_AS_DATA_TYPE, &precision);
  if (axis >= 0) set(description, CUDNN_POINTWISE_AXIS, CUDNN_AS_INT64, &axis);
  if (!finalize(description)) fail("a pointwise operation was refused");
  Descriptor operation = create(CUDNN_POINTWISE_OPERATION);
  set(operation, CUDNN_POINTWISE_DESCRIPTION, CUDNN_AS_DESCRIPTOR, &description);
  set(operation, CUDNN_POINTWISE_X, CUDNN_AS_DESCRIPTOR, &x);
  set(operation, CUDNN_POINTWISE_Y, CUDNN_AS_DESCRIPTOR, &y);
  if (b) set(operation, CUDNN_POINTWISE_B, CUDNN_AS_DESCRIPTOR, &b);
  if (select) set(operation, CUDNN_POINTWISE_T, CUDNN_AS_DESCRIPTOR, &select);
  if (!finalize(operation)) fail("a pointwise operation was refused");
  operations.push_back(operation);
}

void ic_cudnn_graph::pointwise(int mode, Tensor y, Tensor x, Tensor b, Tensor select) {
  pointwise(mode, CUDNN_FLOAT32, -1, y, x, b, select);
}

void ic_cudnn_graph::not_less(Tensor y, Tensor x, Tensor b) {
  pointwise(CUDNN_NOT_LESS, CUDNN_BOOLEAN, -1, y, x, b, nullptr);
}

void ic_cudnn_graph::index(Tensor y, Tensor x, int64_t axis) {
  pointwise(CUDNN_INDEX, CUDNN_FLOAT32, axis, y, x, nullptr, nullptr);
}

void ic_cudnn_graph::matmul(Tensor c, Tensor a, Tensor b) {
  int precision = CUDNN_FLOAT32;
  Descriptor description = create(CUDNN_MATMUL);
  set(description, CUDNN_MATMUL_PRECISION, CUDNN_AS_DATA_TYPE, &precision);
  if (!finalize(description)) fail("a matrix product was refused");
  Descriptor operation = create(CUDNN_MATMUL_OPERATION);
  set(operation, CUDNN_MATMUL_A, CUDNN_AS_DESCRIPTOR, &a);
  set(operation, CUDNN_MATMUL_B, CUDNN_AS_DESCRIPTOR, &b);
  set(operation, CUDNN_MATMUL_C, CUDNN_AS_DESCRIPTOR, &c);
  set(operation, CUDNN_MATMUL_DESCRIPTION, CUDNN_AS_DESCRIPTOR, &description);
  if (!finalize(operation)) fail("a matrix product was refused");
  operations.push_back(operation);
}

void ic_cudnn_graph::reduce(int operation_kind, Tensor y, Tensor x) {
  int precision = CUDNN_FLOAT32;
  Descriptor description = create(CUDNN_REDUCTION);
  set(description, CUDNN_REDUCTION_PRECISION, CUDNN_AS_DATA_TYPE, &precision);
  set(description, CUDNN_REDUCTION_OPERATOR, CUDNN_AS_REDUCTION_OPERATOR, &operation_kind);
  if (!finalize(description)) fail("a reduction was refused");
  Descriptor operation = create(CUDNN_REDUCTION_OPERATION);
  set(operation, CUDNN_REDUCTION_DESCRIPTION, CUDNN_AS_DESCRIPTOR, &description);
  set(operation, CUDNN_REDUCTION_X, CUDNN_AS_DESCRIPTOR, &x);
  set(operation, CUDNN_REDUCTION_Y, CUDNN_AS_DESCRIPTOR, &y);
  if (!finalize(operation)) fail("a reduction was refused");
  operations.push_back(operation);
}

void ic_cudnn_graph::reshape(Tensor y, Tensor x) {
  Descriptor operation = create(CUDNN_RESHAPE_OPERATION);
  set(operation, CUDNN_RESHAPE_X, CUDNN_AS_DESCRIPTOR, &x);
  set(operation, CUDNN_RESHAPE_Y, CUDNN_AS_DESCRIPTOR, &y);
  if (!finalize(operation)) fail("a reshape was refused");
  operations.push_back(operation);
}

// MARK: Plan

std::vector<ic_cudnn_graph::Descriptor> ic_cudnn_graph::engine_configs(Descriptor graph, int mode) {
  Descriptor heuristic = create(CUDNN_ENGINE_HEURISTIC);
  set(heuristic, CUDNN_HEURISTIC_GRAPH, CUDNN_AS_DESCRIPTOR, &graph);
  set(heuristic, CUDNN_HEURISTIC_MODE, CUDNN_AS_HEURISTIC_MODE, &mode);
  int64_t count = 0;
  if (!finalize(heuristic) || cudnn.get_attribute(
                                heuristic, CUDNN_HEURISTIC_RESULTS, CUDNN_AS_DESCRIPTOR, 0, &count, nullptr) !=
                                CUDNN_SUCCESS) {
    return {};
  }
  std::vector<Descriptor> configs;
  for (int64_t i = 0; i < count; i += 1) {
    Descriptor config = create(CUDNN_ENGINE_CONFIG);
    if (config) configs.push_back(config);
  }
  int64_t filled = 0;
  int status = cudnn.get_attribute(
    heuristic, CUDNN_HEURISTIC_RESULTS, CUDNN_AS_DESCRIPTOR, int64_t(configs.size()), &filled, configs.data());
  configs.resize(status == CUDNN_SUCCESS ? size_t(std::min(filled, int64_t(configs.size()))) : 0);
  return configs;
}

bool ic_cudnn_graph::deterministic(Descriptor config) {
  Descriptor engine = create(CUDNN_ENGINE);
  int notes[CUDNN_NOTES];
  int64_t count = 0;
  if (!engine ||
      cudnn.get_attribute(config, CUDNN_CONFIG_ENGINE, CUDNN_AS_DESCRIPTOR, 1, &count, &engine) != CUDNN_SUCCESS ||
      cudnn.get_attribute(engine, CUDNN_ENGINE_NOTES, CUDNN_AS_NOTE, CUDNN_NOTES, &count, notes) != CUDNN_SUCCESS) {
    return false;
  }
  const int *end = notes + std::min(count, int64_t(CUDNN_NOTES));
  return std::find(static_cast<const int *>(notes), end, CUDNN_NOTE_NONDETERMINISTIC) == end;
}

bool ic_cudnn_graph::plan() {
  Descriptor graph = create(CUDNN_OPERATION_GRAPH);
  set(graph, CUDNN_GRAPH_HANDLE, CUDNN_AS_HANDLE, &handle);
  set(graph, CUDNN_GRAPH_OPERATIONS, CUDNN_AS_DESCRIPTOR, operations.data(), int64_t(operations.size()));
  if (!finalize(graph)) fail("the graph was refused");
  if (!failure.empty()) return false;
  for (int mode : {CUDNN_HEURISTIC_A, CUDNN_HEURISTIC_FALLBACK}) {
    for (Descriptor config : engine_configs(graph, mode)) {
      if (!deterministic(config)) continue;
      Descriptor plan = create(CUDNN_EXECUTION_PLAN);
      int64_t count = 0;
      if (plan && cudnn.set_attribute(plan, CUDNN_PLAN_HANDLE, CUDNN_AS_HANDLE, 1, &handle) == CUDNN_SUCCESS &&
          cudnn.set_attribute(plan, CUDNN_PLAN_CONFIG, CUDNN_AS_DESCRIPTOR, 1, &config) == CUDNN_SUCCESS &&
          finalize(plan) &&
          cudnn.get_attribute(plan, CUDNN_PLAN_WORKSPACE, CUDNN_AS_INT64, 1, &count, &workspace_bytes) ==
            CUDNN_SUCCESS) {
        chosen = plan;
        failure.clear();
        return true;
      }
      fail("no engine computes the graph");
    }
  }
  fail("no engine computes the graph");
  return false;
}

bool ic_cudnn_graph::execute(const std::vector<Binding> &bindings, void *workspace) {
  std::vector<int64_t> ids;
  std::vector<void *> pointers;
  for (const Binding &binding : bindings) {
    ids.push_back(binding.id);
    pointers.push_back(binding.pointer);
  }
  cudnnBackendDescriptor_t pack = nullptr;
  int64_t count = int64_t(ids.size());
  bool done =
    cudnn.create_descriptor(CUDNN_VARIANT_PACK, &pack) == CUDNN_SUCCESS &&
    cudnn.set_attribute(pack, CUDNN_PACK_IDS, CUDNN_AS_INT64, count, ids.data()) == CUDNN_SUCCESS &&
    cudnn.set_attribute(pack, CUDNN_PACK_POINTERS, CUDNN_AS_POINTER, count, pointers.data()) == CUDNN_SUCCESS &&
    cudnn.set_attribute(pack, CUDNN_PACK_WORKSPACE, CUDNN_AS_POINTER, 1, &workspace) == CUDNN_SUCCESS &&
    finalize(pack) && cudnn.execute(handle, chosen, pack) == CUDNN_SUCCESS;
  if (!done) fail("the plan was not executed");
  if (pack) cudnn.destroy_descriptor(pack);
  return done;
}
