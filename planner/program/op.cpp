#include "planner/program/op.h"

#include <fmt/format.h>

namespace aforo {
namespace {

using Pairs = boost::container::small_vector<InPlacePair, 2>;

// The kernels of these ops read an element (or a row) before they write it; the contract is tested
// per backend.
struct InPlaceVisitor {
  Pairs operator()(const Activation& op) const {
    return is_gated(op.kind) ? Pairs{} : Pairs{{0, 0}};
  }
  Pairs operator()(const ActivationBackward& op) const {
    return is_gated(op.kind) ? Pairs{{1, 0}} : Pairs{{1, 0}, {0, 0}};
  }
  Pairs operator()(const Add&) const { return {{0, 0}, {1, 0}}; }
  Pairs operator()(const CrossEntropy& op) const {
    return op.has_gradient ? Pairs{{0, 1}} : Pairs{};
  }
  Pairs operator()(const LayerNorm&) const { return {{0, 0}}; }
  Pairs operator()(const LayerNormBackward& op) const {
    return op.accumulate_dx ? Pairs{} : Pairs{{0, 0}};
  }
  Pairs operator()(const QkNorm&) const { return {{0, 0}}; }
  Pairs operator()(const QkNormBackward&) const { return {{0, 0}}; }
  Pairs operator()(const RmsNorm&) const { return {{0, 0}}; }
  Pairs operator()(const RmsNormBackward& op) const {
    return op.accumulate_dx ? Pairs{} : Pairs{{0, 0}};
  }
  Pairs operator()(const Rope&) const { return {{0, 0}}; }

  Pairs operator()(const AdamW&) const { return {}; }
  Pairs operator()(const AllGather&) const { return {}; }
  Pairs operator()(const AllReduce&) const { return {}; }
  Pairs operator()(const Attention&) const { return {}; }
  Pairs operator()(const AttentionBackward&) const { return {}; }
  Pairs operator()(const Cast&) const { return {}; }
  Pairs operator()(const ColumnSum&) const { return {}; }
  Pairs operator()(const Embedding&) const { return {}; }
  Pairs operator()(const EmbeddingBackward&) const { return {}; }
  Pairs operator()(const Fill&) const { return {}; }
  Pairs operator()(const Gemm&) const { return {}; }
  Pairs operator()(const GradientNorm&) const { return {}; }
  Pairs operator()(const NormPartials&) const { return {}; }
  Pairs operator()(const NormTotal&) const { return {}; }
  Pairs operator()(const ReduceScatter&) const { return {}; }
  Pairs operator()(const Sgd&) const { return {}; }
  Pairs operator()(const StepControl&) const { return {}; }
  Pairs operator()(const SumLoss&) const { return {}; }
};

struct RankCount {
  int operator()(const AllGather& op) const { return op.n_ranks; }
  int operator()(const AllReduce& op) const { return op.n_ranks; }
  int operator()(const ReduceScatter& op) const { return op.n_ranks; }
  template <typename Attrs>
  int operator()(const Attrs&) const {
    return 0;
  }
};

}  // namespace

int n_ranks_of(const OpAttrs& attrs) { return std::visit(RankCount{}, attrs); }

std::string_view name_of(const Op& op) {
  return std::visit([](const auto& attrs) -> std::string_view { return attrs.name; }, op.attrs);
}

std::string describe(const OpLabel& label) {
  if (label.layer < 0) return fmt::format("{} {}", name_of(label.phase), label.part);
  return fmt::format("{} L{:02d} {}", name_of(label.phase), label.layer, label.part);
}

boost::container::small_vector<InPlacePair, 2> in_place_pairs(const OpAttrs& attrs) {
  return std::visit(InPlaceVisitor{}, attrs);
}

}  // namespace aforo
