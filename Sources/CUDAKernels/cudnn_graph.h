// A graph of cuDNN operations, and the plan that computes it.
#pragma once

#include "cudnn_backend.h"

#include <array>
#include <string>
#include <vector>

class ic_cudnn_graph {
public:
  typedef cudnnBackendDescriptor_t Tensor;
  typedef std::array<int64_t, 4> Shape;

  ic_cudnn_graph(const ic_cudnn &cudnn, cudnnHandle_t handle) : cudnn(cudnn), handle(handle) {}
  ~ic_cudnn_graph();
  ic_cudnn_graph(const ic_cudnn_graph &) = delete;

  // A tensor in memory, known by `id` (not 0) when the plan is executed.
  Tensor tensor(int64_t id, int type, Shape dimensions, Shape strides);
  // A float32 in host memory.
  Tensor scalar(int64_t id);
  // A tensor that need not exist.
  Tensor intermediate(int type, Shape dimensions, Shape strides);

  // y = mode(x, b); with `select`: y = select ? x : b.
  void pointwise(int mode, Tensor y, Tensor x, Tensor b = nullptr, Tensor select = nullptr);
  // y = x ≥ b, as booleans.
  void not_less(Tensor y, Tensor x, Tensor b);
  // y = the index along `axis`; x gives the shape.
  void index(Tensor y, Tensor x, int64_t axis);
  void matmul(Tensor c, Tensor a, Tensor b);
  // Over the dimensions that y has 1 of, or fewer of.
  void reduce(int operation, Tensor y, Tensor x);
  // The elements of x, as y numbers them.
  void reshape(Tensor y, Tensor x);

  // Chooses the first engine of cuDNN's heuristics that can compute the graph and gives the same bits every time.
  // False: there is none, see `failure`.
  bool plan();

  struct Binding {
    int64_t id;
    void *pointer;
  };
  bool execute(const std::vector<Binding> &bindings, void *workspace);

  int64_t workspace_bytes = 0;
  // The first thing that went wrong, in cuDNN's words.
  std::string failure;

private:
  typedef cudnnBackendDescriptor_t Descriptor;
  Descriptor create(cudnn_descriptor type);
  void set(Descriptor, cudnn_attribute, cudnn_attribute_type, const void *elements, int64_t count = 1);
  bool finalize(Descriptor);
  void fail(const char *what);
  void pointwise(int mode, int precision, int64_t axis, Tensor y, Tensor x, Tensor b, Tensor select);
  std::vector<Descriptor> engine_configs(Descriptor graph, int mode);
  bool deterministic(Descriptor config);

  const ic_cudnn &cudnn;
  cudnnHandle_t handle;
  int64_t next_id = 1000;
  std::vector<Descriptor> descriptors, operations;
  Descriptor chosen = nullptr;
};
