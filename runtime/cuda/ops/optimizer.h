#pragma once
#include <cuda_runtime_api.h>

#include <cstdint>

#include "planner/base/dtype.h"

namespace aforo::cuda {

/// Tensors of one launch of the gradient norm; kernel arguments, so their number is bounded.
struct NormTensors {
  static constexpr int most = 64;
  const float* tensors[most];
  std::int64_t numels[most];
  std::int64_t first_block[most + 1];  ///< blocks before each tensor; the last entry counts all
  int n;
};

/// Elements that one block of the gradient norm sums.
constexpr std::int64_t norm_block = 16384;

/// partial[b] = sum of squares of block b of these tensors, in fp64.
cudaError_t launch_norm_parts(const NormTensors& tensors, double* partial, cudaStream_t stream);

/// *total = sum of n partial sums.
cudaError_t launch_norm_total(const double* partial, std::int64_t n, double* total,
                              cudaStream_t stream);

struct StepControlRules {
  float clip_norm;
  bool dynamic_loss_scale;
  int growth_interval;
};

/// Writes what this step does with its gradients into `control`.
cudaError_t launch_step_control(const double* norm_squared, float* control, StepControlRules rules,
                                cudaStream_t stream);

struct AdamWRates {
  float beta1, beta2, epsilon, weight_decay;
};

/// One AdamW step of w, m, v in place; `copy` is null or takes the rounded w.
cudaError_t launch_adamw(const float* gradient, float* w, float* m, float* v, const float* control,
                         const float* schedule, void* copy, Dtype copy_type, std::int64_t numel,
                         AdamWRates rates, cudaStream_t stream);

/// One SGD step of w and the momentum b (null: none) in place; `copy` is null or takes the rounded
/// w.
cudaError_t launch_sgd(const float* gradient, float* w, float* b, const float* control,
                       const float* schedule, void* copy, Dtype copy_type, std::int64_t numel,
                       float momentum, float weight_decay, cudaStream_t stream);

}  // namespace aforo::cuda
