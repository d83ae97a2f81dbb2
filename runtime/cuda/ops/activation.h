#pragma once
#include <cuda_runtime_api.h>

#include <cstdint>

#include "planner/base/dtype.h"
#include "planner/spec/model.h"

namespace aforo::cuda {

/// y [rows, cols] = act(x); gated kinds read x as rows of [gate | up], 2 cols wide. y may be x
/// unless the kind is gated.
cudaError_t launch_activation(const void* x, void* y, Dtype dtype, ActivationKind kind,
                              std::int64_t rows, std::int64_t cols, cudaStream_t stream);

/// dx, shaped as x, from dy [rows, cols] and x. dx may be x; it may be dy unless the kind is gated.
cudaError_t launch_activation_backward(const void* dy, const void* x, void* dx, Dtype dtype,
                                       ActivationKind kind, std::int64_t rows, std::int64_t cols,
                                       cudaStream_t stream);

}  // namespace aforo::cuda
