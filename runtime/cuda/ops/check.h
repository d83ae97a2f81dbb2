#pragma once
// How the files beside kernels report a refused launch. Apart from device_error.h, since these
// files are many and formatting is slow to compile.

#include <cuda_runtime_api.h>

#include <cstdint>
#include <initializer_list>

#include "planner/base/dtype.h"

namespace aforo::cuda {

struct Size {
  const char* name;
  std::int64_t value;
};

/// Throws DeviceError "call(name value, ..., dtype): what CUDA says" for a launch that failed.
[[noreturn]] void fail_launch(cudaError_t code, const char* call, std::initializer_list<Size> sizes,
                              Dtype dtype);

/// Throws InternalError: the workspace has `has` bytes, `op` needs `needs`.
[[noreturn]] void refuse_workspace(const char* op, std::int64_t has, std::int64_t needs);

/// fail_launch unless `code` is success.
inline void check_launch(cudaError_t code, const char* call, std::initializer_list<Size> sizes,
                         Dtype dtype) {
  if (code != cudaSuccess) fail_launch(code, call, sizes, dtype);
}

}  // namespace aforo::cuda
