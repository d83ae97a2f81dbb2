#include "runtime/cuda/device_error.h"

#include <cstdio>

namespace aforo::cuda {

void fail(cudaError_t code, const std::string& call) {
  throw DeviceError(fmt::format("{}: {} ({}, code {})", call, cudaGetErrorString(code),
                                cudaGetErrorName(code), static_cast<int>(code)));
}

void fail(cublasStatus_t code, const std::string& call) {
  throw DeviceError(fmt::format("{}: {} ({}, code {})", call, cublasLtGetStatusString(code),
                                cublasLtGetStatusName(code), static_cast<int>(code)));
}

void log_release(cudaError_t code) noexcept {
  if (code == cudaSuccess || code == cudaErrorCudartUnloading) return;
  std::fprintf(stderr, "aforo: releasing a CUDA resource: %s (code %d)\n", cudaGetErrorString(code),
               static_cast<int>(code));
}

void log_release(cublasStatus_t code) noexcept {
  if (code == CUBLAS_STATUS_SUCCESS) return;
  std::fprintf(stderr, "aforo: releasing a cuBLASLt resource: %s (code %d)\n",
               cublasLtGetStatusString(code), static_cast<int>(code));
}

}  // namespace aforo::cuda
