#pragma once
#include <cuda_runtime_api.h>

#include <cstdint>

#include "planner/base/dtype.h"

namespace aforo::cuda {

/// losses[r] = log(sum_v exp(logits[r, v])) - logits[r, target[r]]. Unless dlogits is null, also
/// the gradient times gradient_scale * *loss_scale; dlogits may be the logits. A target outside the
/// vocabulary makes loss and gradient NaN.
cudaError_t launch_cross_entropy(const void* logits, const std::int32_t* targets,
                                 const float* loss_scale, float* losses, void* dlogits, Dtype dtype,
                                 std::int64_t rows, std::int64_t vocab, float gradient_scale,
                                 cudaStream_t stream);

/// *after = *before + the losses, sequence by sequence: each is summed in order, then added in
/// order, in fp64.
cudaError_t launch_sum_loss(const float* losses, const double* before, double* after,
                            std::int64_t rows, std::int64_t seq_len, cudaStream_t stream);

}  // namespace aforo::cuda
