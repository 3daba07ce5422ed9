// Streams, copies, events and graphs of the emulated runtime.
#include "machine.h"
#include "runtime.h"

#include <chrono>
#include <deque>
#include <set>
#include <vector>

using Work = std::function<cudaError_t()>;

struct emulated_graph {
  std::vector<Work> work;
};

struct emulated_executable_graph {
  std::vector<Work> work;
};

struct emulated_stream {
  // Not run yet, where streams are lazy.
  std::deque<Work> queue;
  // What is being captured.
  emulated_graph *capture;
  bool capture_is_invalid;
  cudaStreamCaptureMode mode;
  const cuda_emulation *machine;
};

struct emulated_event {
  cudaStream_t stream;
  // Whether it was recorded, and whether what was before it has been done since.
  bool recorded, done;
  std::chrono::steady_clock::time_point time;
};

namespace emulation {
namespace {

std::set<cudaStream_t> streams;
// Used by nothing of this package but tests of the emulation; always run at once.
emulated_stream default_stream;
// Streams that this thread captures, other than relaxed.
thread_local int captures = 0;

emulated_stream &resolve(cudaStream_t stream) { return stream ? *stream : default_stream; }

// Runs what is in the queue of a stream; the first error.
cudaError_t drain(emulated_stream &stream) {
  cudaError_t result = cudaSuccess;
  while (!stream.queue.empty()) {
    const Work work = std::move(stream.queue.front());
    stream.queue.pop_front();
    const cudaError_t status = work();
    if (result == cudaSuccess) result = status;
  }
  return result;
}

// Waiting for a stream that is being captured is an error that ends the capture.
cudaError_t synchronize(emulated_stream &stream) {
  if (stream.capture) {
    stream.capture_is_invalid = true;
    return fail(cudaErrorStreamCaptureUnsupported);
  }
  return drain(stream);
}

bool reaches(const void *address, size_t bytes, bool device) {
  return device ? is_allocated(address, bytes, false) : !is_allocated(address, 1, false);
}

cudaError_t copy(
  void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height, cudaMemcpyKind kind,
  cudaStream_t stream) {
  if (!width || !height) return cudaSuccess;
  if (width > to_pitch || width > from_pitch) return fail(cudaErrorInvalidValue, "a copy wider than its pitch");
  if (height > 1 && (to_pitch > INT32_MAX || from_pitch > INT32_MAX)) return fail(cudaErrorInvalidPitchValue);
  const size_t to_bytes = (height - 1) * to_pitch + width, from_bytes = (height - 1) * from_pitch + width;
  if (!reaches(to, to_bytes, kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice) ||
      !reaches(from, from_bytes, kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice)) {
    return fail(cudaErrorInvalidValue, "a copy that leaves its allocation, or is of another kind than it says");
  }
  const auto rows = [=](void *target, size_t target_pitch, const void *source, size_t source_pitch) {
    for (size_t row = 0; row < height; row++) {
      memcpy(static_cast<char *>(target) + row * target_pitch,
        static_cast<const char *>(source) + row * source_pitch, width);
    }
  };
  // Memory that is not pinned is read before the call returns, and written before it returns.
  if (kind == cudaMemcpyHostToDevice && !is_allocated(from, from_bytes, true)) {
    std::vector<char> staged(width * height);
    rows(staged.data(), width, from, from_pitch);
    return submit(stream, [=] { return rows(to, to_pitch, staged.data(), width), cudaSuccess; });
  }
  const cudaError_t status =
    submit(stream, [=] { return rows(to, to_pitch, from, from_pitch), cudaSuccess; });
  if (kind != cudaMemcpyDeviceToHost || is_allocated(to, to_bytes, true) || status != cudaSuccess) return status;
  return synchronize(resolve(stream));
}

}  // namespace

bool is_capturing() { return captures > 0; }

cudaError_t submit(cudaStream_t to, Work work) {
  std::lock_guard<std::recursive_mutex> lock(driver());
  emulated_stream &stream = resolve(to);
  if (stream.capture) {
    stream.capture->work.push_back(std::move(work));
    return cudaSuccess;
  }
  stream.queue.push_back(std::move(work));
  return to && machine().lazy_streams ? cudaSuccess : drain(stream);
}

}  // namespace emulation

using namespace emulation;
using Lock = std::lock_guard<std::recursive_mutex>;

// MARK: Streams

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
  Lock lock(driver());
  *stream = new emulated_stream();
  (*stream)->machine = &machine();
  streams.insert(*stream);
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  Lock lock(driver());
  const cudaError_t status = drain(*stream);
  streams.erase(stream);
  delete stream->capture;
  delete stream;
  return status;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  Lock lock(driver());
  return synchronize(resolve(stream));
}

cudaError_t cudaDeviceSynchronize() {
  Lock lock(driver());
  cudaError_t result = drain(default_stream);
  // Those of other machines are the business of other threads.
  for (cudaStream_t stream : streams) {
    const cudaError_t status = stream->capture || stream->machine != &machine() ? cudaSuccess : drain(*stream);
    if (result == cudaSuccess) result = status;
  }
  return result;
}

// MARK: Copies

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return copy(to, bytes, from, bytes, bytes, 1, kind, stream);
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind) {
  const cudaError_t status = cudaMemcpyAsync(to, from, bytes, kind);
  return status == cudaSuccess ? cudaStreamSynchronize(nullptr) : status;
}

cudaError_t cudaMemcpy2DAsync(
  void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height, cudaMemcpyKind kind,
  cudaStream_t stream) {
  return copy(to, to_pitch, from, from_pitch, width, height, kind, stream);
}

cudaError_t cudaMemsetAsync(void *address, int byte, size_t bytes, cudaStream_t stream) {
  if (!bytes) return cudaSuccess;
  if (!is_allocated(address, bytes, false)) {
    return fail(cudaErrorInvalidValue, "a cudaMemset that leaves its allocation");
  }
  return submit(stream, [=] { return memset(address, byte, bytes), cudaSuccess; });
}

cudaError_t cudaMemset(void *address, int byte, size_t bytes) {
  const cudaError_t status = cudaMemsetAsync(address, byte, bytes);
  return status == cudaSuccess ? cudaStreamSynchronize(nullptr) : status;
}

// MARK: Events

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned) {
  *event = new emulated_event();
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  Lock lock(driver());
  if (event->recorded && !event->done) drain(resolve(event->stream));
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  Lock lock(driver());
  if (event->recorded && !event->done) drain(resolve(event->stream));
  event->stream = stream;
  event->recorded = true;
  event->done = false;
  return submit(stream, [event] {
    event->done = true;
    event->time = std::chrono::steady_clock::now();
    return cudaSuccess;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  Lock lock(driver());
  return event->recorded && !event->done ? synchronize(resolve(event->stream)) : cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to) {
  Lock lock(driver());
  if (!from->recorded || !to->recorded) return fail(cudaErrorInvalidValue, "the time of an event not recorded");
  if (!from->done || !to->done) return fail(cudaErrorNotReady);
  *milliseconds = std::chrono::duration<float, std::milli>(to->time - from->time).count();
  return cudaSuccess;
}

// MARK: Graphs

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  Lock lock(driver());
  if (!stream || stream->capture) return fail(cudaErrorStreamCaptureUnsupported);
  stream->capture = new emulated_graph();
  stream->capture_is_invalid = false;
  stream->mode = mode;
  captures += mode != cudaStreamCaptureModeRelaxed;
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
  Lock lock(driver());
  *graph = nullptr;
  if (!stream || !stream->capture) return fail(cudaErrorStreamCaptureUnmatched);
  captures -= stream->mode != cudaStreamCaptureModeRelaxed;
  emulated_graph *captured = stream->capture;
  stream->capture = nullptr;
  if (stream->capture_is_invalid) {
    delete captured;
    return fail(cudaErrorStreamCaptureInvalidated);
  }
  *graph = captured;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *executable, cudaGraph_t graph, unsigned long long) {
  *executable = new emulated_executable_graph{graph->work};
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream) {
  Lock lock(driver());
  for (const Work &work : graph->work) {
    const cudaError_t status = submit(stream, work);
    if (status != cudaSuccess) return status;
  }
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
  delete graph;
  return cudaSuccess;
}
