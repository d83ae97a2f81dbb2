#pragma once
// How a failed call into CUDA or cuBLASLt is reported.

#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <string>

#include "planner/base/error.h"

namespace aforo::cuda {

/// A call into CUDA or cuBLASLt failed. The message is "call: what the library says (code): ...",
/// the call with its sizes.
struct DeviceError : EnvironmentError {
  using EnvironmentError::EnvironmentError;
};

/// Throws DeviceError for `call`, a call as text.
[[noreturn]] void fail(cudaError_t code, const std::string& call);
[[noreturn]] void fail(cublasStatus_t code, const std::string& call);

/// Throws DeviceError if `code` is not success. The text of the call is made only then:
///   check(cudaMalloc(&arena, bytes), "cudaMalloc(&arena, {})", bytes);
template <typename Code, typename... Args>
void check(Code code, fmt::format_string<const Args&...> call, const Args&... args) {
  if (static_cast<int>(code) == 0) return;
  fail(code, fmt::vformat(call, fmt::make_format_args(args...)));
}

/// Writes a failed release to stderr: destructors do not throw. Silent once the process is ending
/// and CUDA is gone.
void log_release(cudaError_t code) noexcept;
void log_release(cublasStatus_t code) noexcept;

}  // namespace aforo::cuda
