#pragma once
// The CUDA backend: one device and what it says about itself.

#include <memory>
#include <string>

#include "runtime/core/backend.h"

namespace aforo::cuda {

/// Opens device 0 of those that CUDA_VISIBLE_DEVICES leaves. Throws EnvironmentError "no usable
/// CUDA device (driver ..., runtime ...: why)" if there is none, or if this build has no kernels
/// for it.
std::unique_ptr<Backend> open_cuda_backend();

}  // namespace aforo::cuda
