#pragma once
#include <cuda_runtime_api.h>

namespace aforo::cuda {

/// Success if this build has code that the current device can run.
cudaError_t find_kernel();

}  // namespace aforo::cuda
