#pragma once
#include <cuda_runtime_api.h>

#include <cstdint>

#include "planner/base/dtype.h"

namespace aforo::cuda {

/// What a norm saves of each row for its gradient; `mean` is null for an RMS norm.
struct RowStatistics {
  float* mean;  // (rows)
  float* rstd;  // (rows)
};

/// y = x * rstd * weight; weight may be null; y may be x.
cudaError_t launch_rms_norm(const void* x, const float* weight, void* y, float* rstd, Dtype dtype,
                            std::int64_t rows, std::int64_t cols, float epsilon,
                            cudaStream_t stream);

/// y = (x - mean) * rstd * weight + bias; weight and bias may be null; y may be x.
cudaError_t launch_layer_norm(const void* x, const float* weight, const float* bias, void* y,
                              RowStatistics saved, Dtype dtype, std::int64_t rows,
                              std::int64_t cols, float epsilon, cudaStream_t stream);

/// Gradient of the input of either norm (mean null: RMS norm). weight may be null; dx may be dy.
cudaError_t launch_norm_dx(const void* dy, const void* x, const float* mean, const float* rstd,
                           const float* weight, void* dx, Dtype dtype, std::int64_t rows,
                           std::int64_t cols, bool accumulate, cudaStream_t stream);

/// Part sums of the weights' gradients over n_parts runs of rows: partial [n_parts, n_sums * cols],
/// of which dweight sums, if there is one, come first, then those of dbias. launch_add_parts adds
/// them up.
cudaError_t launch_norm_weight_parts(const void* dy, const void* x, const float* mean,
                                     const float* rstd, float* partial, Dtype dtype,
                                     std::int64_t rows, std::int64_t cols, bool has_weight,
                                     bool has_bias, std::int64_t n_parts, cudaStream_t stream);

}  // namespace aforo::cuda
