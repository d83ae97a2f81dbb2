#pragma once
#include "planner/program/ops/cost.h"

namespace aforo {

/// Sum of squares of all gradients, in fp64, tensor after tensor: deterministic for one backend.
///   reads   gradients fp32...      writes  norm_squared fp64 [1]
struct GradientNorm {
  static constexpr const char* name = "gradient_norm";
  std::int64_t numel;
};

/// Sums of squares of the chunks of norm_chunk elements of all gradients, in fp64, in their order.
/// Each is whole: parts of ranks are multiples of a chunk.
///   reads   gradients fp32...      writes  sums fp64 [one a chunk]
struct NormPartials {
  static constexpr const char* name = "norm_partials";
  std::int64_t numel;
};

/// Adds the chunk sums of all ranks in the order of the flat units: unit after unit, in it rank
/// after rank, so that the bits do not depend on the number of ranks.
///   reads   sums fp64 [n_ranks * chunks], the rank's own gradients fp32... (only their sizes: they
///           say which sums belong to which unit)      writes  norm_squared fp64 [1]
struct NormTotal {
  static constexpr const char* name = "norm_total";
  std::int64_t n_sums;
  int n_ranks;
};

/// Decides what the optimizer does with this step's gradients; everything stays in the control
/// buffer.
///   norm = sqrt(norm_squared) / loss_scale;  multiplier = min(1, clip_norm / (norm + 1e-6)) /
///   loss_scale  (clip_norm 0: 1 / loss_scale)
/// A norm that is not finite: with dynamic_loss_scale the step is skipped and loss_scale halves
/// (not below 1); after growth_interval good steps it doubles (not above 2^24). Without it the step
/// is skipped too: NaN never enters weights.
///   reads   norm_squared, control      writes  control
struct StepControl {
  static constexpr const char* name = "step_control";
  float clip_norm;
  bool dynamic_loss_scale;
  int growth_interval;
};

/// AdamW with decoupled decay and bias correction, on fp32 master values.
///   g = gradient * multiplier;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
///   w -= lr (m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon) + weight_decay w)
///   reads   gradient fp32, w fp32, m fp32, v fp32, control, schedule
///   writes  w, m, v, 16-bit copy of w if has_copy
/// lr comes from the schedule buffer, multiplier, skip and t from the control buffer. Skipped steps
/// change nothing.
struct AdamW {
  static constexpr const char* name = "adamw";
  std::int64_t numel;
  float beta1, beta2, epsilon, weight_decay;
  bool has_copy;
};

/// SGD with momentum and coupled decay, as torch.optim.SGD.   g += weight_decay w;  b = momentum b
/// + g;  w -= lr b (the first step sets b = g, which is the same since b starts as 0).
///   reads   gradient fp32, w fp32, control, schedule, b fp32 if has_momentum
///   writes  w, b if has_momentum, 16-bit copy of w if has_copy
struct Sgd {
  static constexpr const char* name = "sgd";
  std::int64_t numel;
  float momentum, weight_decay;
  bool has_momentum, has_copy;
};

inline Cost cost(const GradientNorm& op, const OperandBytes& size) {
  return {2.0 * op.numel, size.total()};
}
inline Cost cost(const NormPartials& op, const OperandBytes& size) {
  return {2.0 * op.numel, size.total()};
}
/// The gradients themselves are not read.
inline Cost cost(const NormTotal& op, const OperandBytes&) {
  return {1.0 * op.n_sums, 8.0 * (op.n_sums + 1)};
}
inline Cost cost(const StepControl&, const OperandBytes& size) { return {10, size.total()}; }
inline Cost cost(const AdamW& op, const OperandBytes& size) {
  return {11.0 * op.numel, size.total()};
}
inline Cost cost(const Sgd& op, const OperandBytes& size) { return {5.0 * op.numel, size.total()}; }

}  // namespace aforo
