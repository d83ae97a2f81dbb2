// GradientNorm, StepControl, AdamW, Sgd.
//
// GradientNorm: every tensor is cut into blocks of 16384 elements; a block of 256 threads sums one
// of them in fp64, a thread its elements i, i + 256, ..., then the threads in a fixed order. One
// last block adds the partial sums, a thread its sums s, s + 1024, ..., then the threads in a fixed
// order. 2 FLOPs an element, gradients cross memory once. Deterministic.
//
// StepControl: one thread.
//
// AdamW, Sgd: flat over numel elements (launch.cuh), in fp32; about 11 and 5 FLOPs an element.
// AdamW moves gradient, w, m, v in and w, m, v out (28 bytes), plus 2 for the 16-bit copy; Sgd 20
// plus 2. The scalars of a step, with two powers in fp64, are computed once per block. A skipped
// step ends before it reads anything else. Deterministic.
#include "planner/program/control.h"
#include "runtime/cuda/ops/element.cuh"
#include "runtime/cuda/ops/launch.cuh"
#include "runtime/cuda/ops/optimizer.h"
#include "runtime/cuda/ops/reduce.cuh"

namespace aforo::cuda {
namespace {

constexpr int total_threads = 1024;

__global__ void norm_parts(NormTensors list, double* partial) {
  const std::int64_t block = blockIdx.x;
  int tensor = 0;
  while (list.first_block[tensor + 1] <= block) ++tensor;
  const std::int64_t begin = (block - list.first_block[tensor]) * norm_block;
  const std::int64_t numel = list.numels[tensor];
  const std::int64_t end = begin + norm_block < numel ? begin + norm_block : numel;
  double sum = 0;
  for (std::int64_t i = begin + threadIdx.x; i < end; i += block_threads) {
    const double x = list.tensors[tensor][i];
    sum += x * x;
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) partial[block] = sum;
}

__global__ void norm_total(const double* partial, std::int64_t n, double* total) {
  double sum = 0;
  for (std::int64_t i = threadIdx.x; i < n; i += total_threads) sum += partial[i];
  sum = block_sum(sum);
  if (threadIdx.x == 0) *total = sum;
}

__global__ void step_control(const double* norm_squared, float* c, StepControlRules rules) {
  using namespace control;
  constexpr float highest = 16777216;  // 2^24
  const double scale = c[loss_scale];
  const double norm = sqrt(*norm_squared) / scale;
  const bool good = isfinite(norm);
  c[gradient_norm] = static_cast<float>(norm);
  c[skip] = good ? 0.0f : 1.0f;
  if (good) {
    const double clip = rules.clip_norm > 0 ? rules.clip_norm / (norm + 1e-6) : 1.0;
    c[gradient_multiplier] = static_cast<float>((clip < 1 ? clip : 1.0) / scale);
    c[optimizer_steps] += 1;
  } else {
    c[gradient_multiplier] = 0;
    c[n_skipped] += 1;
  }
  if (!rules.dynamic_loss_scale) return;
  c[good_steps] = good ? c[good_steps] + 1 : 0.0f;
  if (!good) {
    c[loss_scale] = c[loss_scale] > 2 ? c[loss_scale] / 2 : 1.0f;
  } else if (c[good_steps] >= static_cast<float>(rules.growth_interval)) {
    c[loss_scale] = c[loss_scale] < highest / 2 ? c[loss_scale] * 2 : highest;
    c[good_steps] = 0;
  }
}

/// Stands for the 16-bit copy where there is none.
struct NoCopy {};

template <typename Copy>
__device__ void store_copy(Copy* copy, std::int64_t i, float w) {
  copy[i] = from_float<Copy>(w);
}
__device__ void store_copy(NoCopy*, std::int64_t, float) {}

/// Calls f(Copy{}) with the C++ type of the 16-bit copy, or NoCopy.
template <typename F>
cudaError_t with_copy(bool has_copy, Dtype dtype, F f) {
  if (!has_copy) return f(NoCopy{});
  switch (dtype) {
    case Dtype::bf16:
      return f(Bf16{});
    case Dtype::fp16:
      return f(Fp16{});
    default:
      return cudaErrorInvalidValue;
  }
}

/// What all elements of an AdamW step share.
struct AdamWStep {
  float multiplier, learning_rate, unbias1, unbias2;
};

__device__ AdamWStep adamw_step(const float* control, const float* schedule, AdamWRates rates) {
  const double t = control[control::optimizer_steps];
  return {control[control::gradient_multiplier], schedule[schedule::learning_rate],
          static_cast<float>(1 / (1 - pow(static_cast<double>(rates.beta1), t))),
          static_cast<float>(1 / (1 - pow(static_cast<double>(rates.beta2), t)))};
}

template <typename Copy>
__global__ void adamw(const float* gradient, float* w, float* m, float* v, const float* control,
                      const float* schedule, Copy* copy, std::int64_t numel, AdamWRates rates) {
  if (control[control::skip] != 0) return;
  __shared__ AdamWStep step;
  if (threadIdx.x == 0) step = adamw_step(control, schedule, rates);
  __syncthreads();
  const AdamWStep s = step;
  for (std::int64_t i = flat_begin(); i < numel; i += flat_step()) {
    const float g = gradient[i] * s.multiplier;
    const float new_m = rates.beta1 * m[i] + (1 - rates.beta1) * g;
    const float new_v = rates.beta2 * v[i] + (1 - rates.beta2) * g * g;
    const float old_w = w[i];
    const float direction = new_m * s.unbias1 / (sqrtf(new_v * s.unbias2) + rates.epsilon);
    const float new_w = old_w - s.learning_rate * (direction + rates.weight_decay * old_w);
    m[i] = new_m;
    v[i] = new_v;
    w[i] = new_w;
    store_copy(copy, i, new_w);
  }
}

template <typename Copy>
__global__ void sgd(const float* gradient, float* w, float* b, const float* control,
                    const float* schedule, Copy* copy, std::int64_t numel, float momentum,
                    float weight_decay) {
  if (control[control::skip] != 0) return;
  const float multiplier = control[control::gradient_multiplier],
              rate = schedule[schedule::learning_rate];
  for (std::int64_t i = flat_begin(); i < numel; i += flat_step()) {
    const float old_w = w[i];
    float g = gradient[i] * multiplier + weight_decay * old_w;
    if (b) {
      g += momentum * b[i];
      b[i] = g;
    }
    const float new_w = old_w - rate * g;
    w[i] = new_w;
    store_copy(copy, i, new_w);
  }
}

}  // namespace

cudaError_t launch_norm_parts(const NormTensors& tensors, double* partial, cudaStream_t stream) {
  return launch(stream, tensors.first_block[tensors.n], block_threads, norm_parts, tensors,
                partial);
}

cudaError_t launch_norm_total(const double* partial, std::int64_t n, double* total,
                              cudaStream_t stream) {
  return launch(stream, 1, total_threads, norm_total, partial, n, total);
}

cudaError_t launch_step_control(const double* norm_squared, float* control, StepControlRules rules,
                                cudaStream_t stream) {
  return launch(stream, 1, 1, step_control, norm_squared, control, rules);
}

cudaError_t launch_adamw(const float* gradient, float* w, float* m, float* v, const float* control,
                         const float* schedule, void* copy, Dtype copy_type, std::int64_t numel,
                         AdamWRates rates, cudaStream_t stream) {
  return with_copy(copy != nullptr, copy_type, [&]<typename Copy>(Copy) {
    return launch(stream, flat_blocks(numel), block_threads, adamw<Copy>, gradient, w, m, v,
                  control, schedule, static_cast<Copy*>(copy), numel, rates);
  });
}

cudaError_t launch_sgd(const float* gradient, float* w, float* b, const float* control,
                       const float* schedule, void* copy, Dtype copy_type, std::int64_t numel,
                       float momentum, float weight_decay, cudaStream_t stream) {
  return with_copy(copy != nullptr, copy_type, [&]<typename Copy>(Copy) {
    return launch(stream, flat_blocks(numel), block_threads, sgd<Copy>, gradient, w, b, control,
                  schedule, static_cast<Copy*>(copy), numel, momentum, weight_decay);
  });
}

}  // namespace aforo::cuda
