#include "runtime/core/probe_operands.h"

#include "planner/base/error.h"

namespace aforo {
namespace {

using Shared = SharedOperands;

struct SharedVisitor {
  Shared operator()(const ActivationBackward&) const { return {{1, 0}}; }
  Shared operator()(const AdamW&) const { return {{1, 0}, {2, 1}, {3, 2}}; }
  Shared operator()(const Add&) const { return {{0, 0}}; }
  Shared operator()(const AllReduce&) const { return {{0, 0}}; }
  Shared operator()(const ColumnSum& op) const { return op.accumulate ? Shared{{1, 0}} : Shared{}; }
  Shared operator()(const CrossEntropy& op) const {
    return op.has_gradient ? Shared{{0, 1}} : Shared{};
  }
  Shared operator()(const EmbeddingBackward& op) const {
    Shared shared;
    int read = 2;
    if (op.accumulate_tokens) shared.push_back({read++, 0});
    if (op.accumulate_positions) shared.push_back({read++, 1});
    return shared;
  }
  Shared operator()(const Gemm& op) const {
    return op.accumulate ? Shared{{op.has_bias ? 3 : 2, 0}} : Shared{};
  }
  Shared operator()(const LayerNormBackward& op) const {
    return norm(4, op.has_weight, op.has_bias, op.accumulate_dx, op.accumulate_weights);
  }
  Shared operator()(const QkNormBackward& op) const {
    return op.accumulate_weights ? Shared{{0, 0}, {5, 1}, {6, 2}} : Shared{{0, 0}};
  }
  Shared operator()(const RmsNormBackward& op) const {
    return norm(3, op.has_weight, false, op.accumulate_dx, op.accumulate_weights);
  }
  Shared operator()(const Rope&) const { return {{0, 0}}; }
  Shared operator()(const Sgd& op) const {
    return op.has_momentum ? Shared{{1, 0}, {4, 1}} : Shared{{1, 0}};
  }
  Shared operator()(const StepControl&) const { return {{1, 0}}; }
  Shared operator()(const SumLoss&) const { return {{1, 0}}; }

  Shared operator()(const Activation&) const { return {}; }
  Shared operator()(const AllGather&) const { return {}; }
  Shared operator()(const Attention&) const { return {}; }
  Shared operator()(const AttentionBackward&) const { return {}; }
  Shared operator()(const Cast&) const { return {}; }
  Shared operator()(const Embedding&) const { return {}; }
  Shared operator()(const Fill&) const { return {}; }
  Shared operator()(const GradientNorm&) const { return {}; }
  Shared operator()(const LayerNorm&) const { return {}; }
  Shared operator()(const NormPartials&) const { return {}; }
  Shared operator()(const NormTotal&) const { return {}; }
  Shared operator()(const QkNorm&) const { return {}; }
  Shared operator()(const ReduceScatter&) const { return {}; }
  Shared operator()(const RmsNorm&) const { return {}; }

 private:
  /// The order of the norm headers: statistics, [weight], [dx], [dweight], [dbias].
  static Shared norm(int read, bool has_weight, bool has_bias, bool accumulate_dx,
                     bool accumulate_weights) {
    Shared shared;
    if (has_weight) ++read;
    if (accumulate_dx) shared.push_back({read++, 0});
    int write = 1;
    if (has_weight && accumulate_weights) shared.push_back({read++, write++});
    if (has_bias && accumulate_weights) shared.push_back({read++, write++});
    return shared;
  }
};

struct FreshVisitor {
  int operator()(const Activation&) const { return 0; }
  int operator()(const ActivationBackward&) const { return 0; }  // dy
  int operator()(const Add&) const { return 1; }                 // the branch, not the residual
  int operator()(const Attention&) const { return 0; }
  int operator()(const AttentionBackward&) const { return 0; }  // dout
  int operator()(const ColumnSum&) const { return 0; }
  int operator()(const CrossEntropy&) const { return 0; }
  int operator()(const EmbeddingBackward&) const { return 1; }  // dx
  int operator()(const LayerNorm&) const { return 0; }
  int operator()(const LayerNormBackward&) const { return 0; }  // dy
  int operator()(const QkNorm&) const { return 0; }
  int operator()(const QkNormBackward&) const { return 0; }  // dqkv
  int operator()(const RmsNorm&) const { return 0; }
  int operator()(const RmsNormBackward&) const { return 0; }  // dy
  int operator()(const Rope&) const { return 0; }
  int operator()(const SumLoss&) const { return 0; }

  int operator()(const AdamW&) const { return -1; }
  int operator()(const AllGather&) const { return -1; }
  int operator()(const AllReduce&) const { return -1; }
  int operator()(const Cast&) const { return -1; }
  int operator()(const Embedding&) const { return -1; }
  int operator()(const Fill&) const { return -1; }
  int operator()(const Gemm&) const { return -1; }
  int operator()(const GradientNorm&) const { return -1; }
  int operator()(const NormPartials&) const { return -1; }
  int operator()(const NormTotal&) const { return -1; }
  int operator()(const ReduceScatter&) const { return -1; }
  int operator()(const Sgd&) const { return -1; }
  int operator()(const StepControl&) const { return -1; }
};

}  // namespace

SharedOperands shared_operands(const OpAttrs& attrs) { return std::visit(SharedVisitor{}, attrs); }

int fresh_read(const OpAttrs& attrs) { return std::visit(FreshVisitor{}, attrs); }

int control_read(const OpAttrs& attrs) {
  if (std::holds_alternative<AdamW>(attrs)) return 4;
  if (std::holds_alternative<Sgd>(attrs)) return 2;
  if (std::holds_alternative<StepControl>(attrs)) return 1;
  const auto* loss = std::get_if<CrossEntropy>(&attrs);
  return loss != nullptr && loss->has_gradient ? 2 : -1;
}

bool reads_schedule(const OpAttrs& attrs) {
  return std::holds_alternative<AdamW>(attrs) || std::holds_alternative<Sgd>(attrs);
}

std::int64_t open_numel(const OpAttrs& attrs) {
  if (const auto* op = std::get_if<Embedding>(&attrs)) return op->seq_len * op->d_model;
  if (const auto* op = std::get_if<EmbeddingBackward>(&attrs)) return op->seq_len * op->d_model;
  if (const auto* op = std::get_if<GradientNorm>(&attrs)) return op->numel;
  throw InternalError("a probe has an operand of unknown size");
}

std::int64_t table_rows(const OpAttrs& attrs) {
  if (const auto* op = std::get_if<CrossEntropy>(&attrs)) return op->vocab;
  if (const auto* op = std::get_if<Embedding>(&attrs)) return op->vocab;
  if (const auto* op = std::get_if<EmbeddingBackward>(&attrs)) return op->vocab;
  return 0;
}

}  // namespace aforo
