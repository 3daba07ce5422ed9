// Graphs: a sequence of kernels, captured once and launched again at the cost of one call; and events, which tell the
// time.
#include "host.cuh"

#include <new>

struct ic_graph {
  cudaGraphExec_t executable;
};

struct ic_event {
  cudaEvent_t event;
};

ic_status ic_prepare_begin(ic_context *context) {
  if (context->preparing || context->capturing) {
    return ic_fail(context, IC_INVALID, "prepare_begin: a graph is being recorded already");
  }
  context->preparing = true;
  return IC_OK;
}

ic_status ic_prepare_end(ic_context *context) {
  context->preparing = false;
  return IC_OK;
}

ic_status ic_capture_begin(ic_context *context) {
  if (context->preparing || context->capturing) {
    return ic_fail(context, IC_INVALID, "capture_begin: a graph is being recorded already");
  }
  // Relaxed: a kernel that is launched for the first time is loaded then, which the other modes may forbid.
  IC_TRY(context, "capture_begin", cudaStreamBeginCapture(context->stream, cudaStreamCaptureModeRelaxed));
  context->capturing = true;
  return IC_OK;
}

ic_status ic_capture_end(ic_context *context, ic_graph **result) {
  *result = nullptr;
  if (!context->capturing) return ic_fail(context, IC_INVALID, "capture_end: nothing is being captured");
  context->capturing = false;
  cudaGraph_t captured = nullptr;
  IC_TRY(context, "capture_end", cudaStreamEndCapture(context->stream, &captured));
  cudaGraphExec_t executable = nullptr;
  const cudaError_t error = cudaGraphInstantiate(&executable, captured, 0);
  cudaGraphDestroy(captured);
  if (error != cudaSuccess) return ic_runtime_error(context, "capture_end", error);
  *result = new (std::nothrow) ic_graph{executable};
  if (!*result) {
    cudaGraphExecDestroy(executable);
    return ic_fail(context, IC_OUT_OF_MEMORY, "out of memory");
  }
  context->graphs++;
  return IC_OK;
}

ic_status ic_graph_launch(ic_context *context, ic_graph *graph) {
  IC_TRY(context, "graph", cudaGraphLaunch(graph->executable, context->stream));
  return IC_OK;
}

void ic_graph_destroy(ic_context *context, ic_graph *graph) {
  if (!graph) return;
  // It may be running.
  cudaStreamSynchronize(context->stream);
  cudaGraphExecDestroy(graph->executable);
  cudaGetLastError();
  context->graphs--;
  delete graph;
}

// MARK: Time

ic_status ic_event_record(ic_context *context, ic_event **result) {
  *result = nullptr;
  if (context->preparing || context->capturing) {
    return ic_fail(context, IC_INVALID, "event_record: not while a graph is recorded");
  }
  cudaEvent_t event = nullptr;
  IC_TRY(context, "event_record", cudaEventCreateWithFlags(&event, cudaEventDefault));
  const cudaError_t error = cudaEventRecord(event, context->stream);
  if (error == cudaSuccess) *result = new (std::nothrow) ic_event{event};
  if (*result) return IC_OK;
  cudaEventDestroy(event);
  return error == cudaSuccess ? ic_fail(context, IC_OUT_OF_MEMORY, "out of memory")
                              : ic_runtime_error(context, "event_record", error);
}

ic_status ic_elapsed(ic_context *context, ic_event *from, ic_event *to, float *milliseconds) {
  *milliseconds = 0;
  IC_TRY(context, "elapsed", cudaEventSynchronize(to->event));
  IC_TRY(context, "elapsed", cudaEventElapsedTime(milliseconds, from->event, to->event));
  return IC_OK;
}

void ic_event_destroy(ic_context *, ic_event *event) {
  if (!event) return;
  cudaEventDestroy(event->event);
  delete event;
}
