#pragma once
// One owner for every kind of CUDA and cuBLASLt handle.

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include <utility>

#include "runtime/cuda/device_error.h"

namespace aforo::cuda {

/// Owns one handle. Move-only. Destruction never throws: a failure is logged.
template <typename Handle, auto destroy>
class UniqueHandle {
 public:
  UniqueHandle() = default;
  explicit UniqueHandle(Handle handle) : handle_(handle) {}
  UniqueHandle(UniqueHandle&& other) noexcept : handle_(std::exchange(other.handle_, Handle{})) {}
  UniqueHandle& operator=(UniqueHandle&& other) noexcept {
    if (this != &other) {
      release();
      handle_ = std::exchange(other.handle_, Handle{});
    }
    return *this;
  }
  ~UniqueHandle() { release(); }

  Handle get() const { return handle_; }
  explicit operator bool() const { return handle_ != Handle{}; }

  /// Where a create function puts the new handle; releases the old one first.
  Handle* put() {
    release();
    return &handle_;
  }

 private:
  void release() noexcept {
    if (handle_ != Handle{}) log_release(destroy(std::exchange(handle_, Handle{})));
  }

  Handle handle_{};
};

using CudaStream = UniqueHandle<cudaStream_t, cudaStreamDestroy>;
using CudaEvent = UniqueHandle<cudaEvent_t, cudaEventDestroy>;
using CudaGraph = UniqueHandle<cudaGraph_t, cudaGraphDestroy>;
using CudaGraphExec = UniqueHandle<cudaGraphExec_t, cudaGraphExecDestroy>;
using DeviceMemory = UniqueHandle<void*, cudaFree>;
using PinnedMemory = UniqueHandle<void*, cudaFreeHost>;
using LtHandle = UniqueHandle<cublasLtHandle_t, cublasLtDestroy>;
using LtLayout = UniqueHandle<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using LtMatmulDesc = UniqueHandle<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using LtPreference = UniqueHandle<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

}  // namespace aforo::cuda
