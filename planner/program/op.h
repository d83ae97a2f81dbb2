#pragma once
// One op of a step program. The list below is closed: cost, gradient, printing and every backend
// are overload sets over it, so a missing overload is a compile error that names the op.

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "planner/program/buffer.h"
#include "planner/program/ops/attention.h"
#include "planner/program/ops/collective.h"
#include "planner/program/ops/elementwise.h"
#include "planner/program/ops/embedding.h"
#include "planner/program/ops/gemm.h"
#include "planner/program/ops/loss.h"
#include "planner/program/ops/norm.h"
#include "planner/program/ops/optimizer.h"

namespace aforo {

/// Sorted by name.
using OpAttrs =
    std::variant<Activation, ActivationBackward, AdamW, Add, AllGather, AllReduce, Attention,
                 AttentionBackward, Cast, ColumnSum, CrossEntropy, Embedding, EmbeddingBackward,
                 Fill, Gemm, GradientNorm, LayerNorm, LayerNormBackward, NormPartials, NormTotal,
                 QkNorm, QkNormBackward, ReduceScatter, RmsNorm, RmsNormBackward, Rope, Sgd,
                 StepControl, SumLoss>;

using Ids = boost::container::small_vector<BufferId, 6>;

enum class Phase : std::uint8_t { setup, forward, recompute, backward, optimizer, evaluate };

constexpr std::string_view name_of(Phase phase) {
  constexpr std::string_view names[] = {"set", "fwd", "rec", "bwd", "opt", "eval"};
  return names[static_cast<int>(phase)];
}

/// Where an op comes from; prints as "bwd L03 attention.qkv". `part` is a string literal.
struct OpLabel {
  Phase phase = Phase::forward;
  std::int16_t layer = -1;
  const char* part = "";
};

struct Op {
  OpAttrs attrs;
  Ids reads;
  Ids writes;
  OpLabel label;
};

/// Ranks that take part in a collective; 0 for all other ops.
int n_ranks_of(const OpAttrs& attrs);

std::string_view name_of(const Op& op);
std::string describe(const OpLabel& label);

/// Pairs of operands that may share memory when the read value dies at this op, best first.
boost::container::small_vector<InPlacePair, 2> in_place_pairs(const OpAttrs& attrs);

}  // namespace aforo
