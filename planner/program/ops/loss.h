#pragma once
#include "planner/program/ops/cost.h"

namespace aforo {

/// Softmax cross entropy of each row against its target, and in the same pass the gradient of the
/// logits.
///   loss[r] = log(sum_v exp(logits[r, v])) - logits[r, target[r]]
///   dlogits[r, v] = (softmax(logits[r])[v] - [v == target[r]]) * gradient_scale * loss_scale
///   reads   logits [rows, vocab], targets int32 [rows], control (its loss_scale) if has_gradient
///   writes  losses fp32 [rows], dlogits as logits if has_gradient (may be the logits' own memory)
struct CrossEntropy {
  static constexpr const char* name = "cross_entropy";
  std::int64_t rows, vocab;
  bool has_gradient;
  float gradient_scale;  ///< 1 / tokens of the whole step
};

/// Adds the losses of a micro-step to the step's sum: each sequence is summed in order, then added
/// in order, in fp64. So the sum does not depend on the micro-batch size.
///   reads   losses fp32 [rows], loss_sum fp64 [1]      writes  loss_sum
struct SumLoss {
  static constexpr const char* name = "sum_loss";
  std::int64_t rows, seq_len;
};

inline Cost cost(const CrossEntropy& op, const OperandBytes& size) {
  return {6.0 * op.rows * op.vocab, size.total()};
}
inline Cost cost(const SumLoss& op, const OperandBytes& size) {
  return {1.0 * op.rows, size.total()};
}

}  // namespace aforo
