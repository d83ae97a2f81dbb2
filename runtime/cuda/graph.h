#pragma once
// A run of launches recorded once and replayed as one.

#include <utility>

#include "runtime/cuda/handle.h"

namespace aforo::cuda {

/// Records what is queued on a stream while it lives; nothing runs. Ends the recording in any case,
/// so that an exception leaves the stream usable.
class StreamCapture {
 public:
  /// Thread-local mode: what other threads do meanwhile neither fails nor is recorded.
  explicit StreamCapture(cudaStream_t stream) : stream_(stream) {
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal),
          "cudaStreamBeginCapture(stream)");
  }
  StreamCapture(const StreamCapture&) = delete;
  StreamCapture& operator=(const StreamCapture&) = delete;
  ~StreamCapture() {
    if (stream_ == nullptr) return;
    CudaGraph discarded;
    cudaStreamEndCapture(stream_, discarded.put());
  }

  /// Ends the recording and makes it ready to launch.
  CudaGraphExec finish() {
    CudaGraph graph;
    check(cudaStreamEndCapture(std::exchange(stream_, nullptr), graph.put()),
          "cudaStreamEndCapture(stream, &graph)");
    CudaGraphExec exec;
    check(cudaGraphInstantiate(exec.put(), graph.get(), 0),
          "cudaGraphInstantiate(&exec, graph, 0)");
    return exec;
  }

 private:
  cudaStream_t stream_;
};

}  // namespace aforo::cuda
