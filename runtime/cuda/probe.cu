// A kernel that is never launched: whether the device can load it tells whether it can load the
// others, which are compiled for the same devices.
#include <cuda_runtime.h>

#include "runtime/cuda/probe.h"

namespace aforo::cuda {
namespace {

__global__ void probe() {}

}  // namespace

cudaError_t find_kernel() {
  cudaFuncAttributes attributes{};
  return cudaFuncGetAttributes(&attributes, probe);
}

}  // namespace aforo::cuda
