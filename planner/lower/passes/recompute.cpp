// Recomputation: per layer, clones of forward ops inserted before the layer's first backward op.

#include <algorithm>
#include <unordered_map>

#include "planner/lower/passes/passes.h"

namespace aforo {
namespace {

/// Ops of one layer in the micro-step, by index.
struct LayerOps {
  std::vector<int> forward, backward;
};

std::vector<LayerOps> ops_by_layer(const StepProgram& program, int n_layers) {
  std::vector<LayerOps> layers(n_layers);
  for (int i = 0; i < static_cast<int>(program.ops.size()); ++i) {
    const OpLabel& label = program.ops[i].label;
    if (label.layer < 0) continue;
    (label.phase == Phase::forward ? layers[label.layer].forward : layers[label.layer].backward)
        .push_back(i);
  }
  return layers;
}

/// Norms, activation functions and rotations: a pass over memory each, no matrix product.
bool is_cheap(const OpAttrs& attrs) {
  return std::holds_alternative<Activation>(attrs) || std::holds_alternative<LayerNorm>(attrs) ||
         std::holds_alternative<RmsNorm>(attrs) || std::holds_alternative<QkNorm>(attrs) ||
         std::holds_alternative<Rope>(attrs);
}

bool contains(const Ids& ids, BufferId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

class LayerRecompute {
 public:
  LayerRecompute(StepProgram& program, const LayerOps& ops, Recompute kind)
      : program_(program), ops_(ops), kind_(kind) {}

  /// Clones of the forward ops that the backward pass needs; rewires its reads to them.
  std::vector<Op> clones() {
    find_produced();
    find_kept();
    std::vector<int> chosen;  // last first
    std::unordered_map<BufferId, BufferId> renamed;
    for (int i : ops_.backward)
      for (BufferId id : program_.ops[i].reads)
        if (droppable(id)) renamed.emplace(id, no_buffer);
    for (auto it = ops_.forward.rbegin(); it != ops_.forward.rend(); ++it) {
      const Op& op = program_.ops[*it];
      if (std::none_of(op.writes.begin(), op.writes.end(),
                       [&](BufferId id) { return renamed.contains(id); }))
        continue;
      chosen.push_back(*it);
      for (BufferId id : op.reads)
        if (droppable(id)) renamed.emplace(id, no_buffer);
    }
    return rewire(chosen, renamed);
  }

 private:
  void find_produced() {
    for (int i : ops_.forward)
      for (BufferId id : program_.ops[i].writes) kept_.emplace(id, false);
  }

  bool read_by_backward(BufferId id) const {
    return std::any_of(ops_.backward.begin(), ops_.backward.end(),
                       [&](int i) { return contains(program_.ops[i].reads, id); });
  }

  /// selective: everything is kept but the outputs of cheap ops whose own inputs stay at hand
  /// anyway. full: nothing but the layer's output, which the next layer's forward reads.
  void find_kept() {
    for (BufferId id : program_.ops[ops_.forward.back()].writes) kept_[id] = true;
    if (kind_ == Recompute::full) return;
    for (int i : ops_.forward) {
      const Op& op = program_.ops[i];
      const bool at_hand = std::all_of(op.reads.begin(), op.reads.end(), [&](BufferId id) {
        return !kept_.contains(id) || droppable(id) || read_by_backward(id);
      });
      if (is_cheap(op.attrs) && at_hand) continue;
      for (BufferId id : op.writes) kept_[id] = true;
    }
  }

  bool droppable(BufferId id) const {
    const auto it = kept_.find(id);
    return it != kept_.end() && !it->second;
  }

  std::vector<Op> rewire(const std::vector<int>& chosen,
                         std::unordered_map<BufferId, BufferId>& renamed) {
    std::vector<Op> clones;
    for (auto it = chosen.rbegin(); it != chosen.rend(); ++it) {
      Op clone = program_.ops[*it];
      clone.label.phase = Phase::recompute;
      for (BufferId& id : clone.reads)
        if (const auto found = renamed.find(id); found != renamed.end()) id = found->second;
      for (BufferId& id : clone.writes) {
        Buffer copy = program_.buffers[id];
        copy.name += ".again";
        program_.buffers.push_back(std::move(copy));
        const BufferId again = static_cast<BufferId>(program_.buffers.size()) - 1;
        if (droppable(id)) renamed[id] = again;
        id = again;
      }
      clones.push_back(std::move(clone));
    }
    for (int i : ops_.backward)
      for (BufferId& id : program_.ops[i].reads)
        if (const auto found = renamed.find(id); found != renamed.end()) id = found->second;
    return clones;
  }

  StepProgram& program_;
  const LayerOps& ops_;
  Recompute kind_;
  std::unordered_map<BufferId, bool> kept_;  ///< of every buffer the layer's forward pass writes
};

}  // namespace

void recompute(Lowering& lowering) {
  StepProgram& program = lowering.program;
  const std::vector<LayerOps> layers = ops_by_layer(program, lowering.job.model.n_layers);
  std::vector<std::vector<Op>> before(program.ops.size());  // clones to insert before an op
  std::size_t n_clones = 0;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (lowering.plan.recompute[l] == Recompute::none || layers[l].backward.empty()) continue;
    std::vector<Op> clones =
        LayerRecompute(program, layers[l], lowering.plan.recompute[l]).clones();
    n_clones += clones.size();
    before[layers[l].backward.front()] = std::move(clones);
  }
  if (n_clones == 0) return;
  std::vector<Op> ops;
  ops.reserve(program.ops.size() + n_clones);
  for (std::size_t i = 0; i < program.ops.size(); ++i) {
    for (Op& clone : before[i]) ops.push_back(std::move(clone));
    ops.push_back(std::move(program.ops[i]));
  }
  program.ops = std::move(ops);
}

}  // namespace aforo
