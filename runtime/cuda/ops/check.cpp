#include "runtime/cuda/ops/check.h"

#include "runtime/cuda/device_error.h"

namespace aforo::cuda {

void fail_launch(cudaError_t code, const char* call, std::initializer_list<Size> sizes,
                 Dtype dtype) {
  std::string text = fmt::format("{}(", call);
  for (const Size& size : sizes) text += fmt::format("{} {}, ", size.name, size.value);
  fail(code, text + std::string(name_of(dtype)) + ")");
}

void refuse_workspace(const char* op, std::int64_t has, std::int64_t needs) {
  throw InternalError(fmt::format("{}: the workspace has {} bytes, {} are needed", op, has, needs));
}

}  // namespace aforo::cuda
