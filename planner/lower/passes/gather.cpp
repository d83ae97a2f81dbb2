#include "planner/lower/passes/gather.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "planner/lower/builder.h"
#include "planner/lower/sharding.h"

namespace aforo {
namespace {

/// When weights are gathered apart.
enum Group { forward, backward, evaluate };
constexpr const char* group_suffix[] = {"", ".again", ".eval"};

/// A unit's whole weights during one group of ops.
struct Gathered {
  int unit = -1;  ///< index into lowering.units
  Group group = forward;
  BufferId whole = no_buffer;
  int first_use = 0;
  OpLabel label;
  std::map<int, BufferId> views;  ///< by parameter
};

class Gatherer {
 public:
  explicit Gatherer(Lowering& lowering)
      : lowering_(lowering), rules_(sharding_rules(lowering.plan)), builder_(lowering.program) {
    unit_of_.resize(lowering.parameters.size(), -1);
    for (std::size_t u = 0; u < lowering.units.size(); ++u)
      for (int member : lowering.units[u].members) unit_of_[member] = static_cast<int>(u);
  }

  Insertions run(int begin) {
    StepProgram& program = lowering_.program;
    for (int i = begin; i < static_cast<int>(program.ops.size()); ++i)
      for (BufferId& id : program.ops[i].reads)
        if (const int parameter = parameter_of(id); parameter >= 0) id = view(parameter, i);
    return insertions();
  }

 private:
  int parameter_of(BufferId id) const {
    return id < static_cast<BufferId>(lowering_.parameter_of.size()) ? lowering_.parameter_of[id]
                                                                     : -1;
  }

  Group group_of(const OpLabel& label) const {
    if (label.phase == Phase::evaluate) return evaluate;
    return label.phase == Phase::forward || !rules_.gather_again ? forward : backward;
  }

  /// What op `i` reads instead of the parameter.
  BufferId view(int parameter, int i) {
    const OpLabel& label = lowering_.program.ops[i].label;
    const Group group = group_of(label);
    const int u = unit_of_[parameter];
    if (lowering_.units[u].gathered_once != no_buffer && group != evaluate)
      return lowering_.parameters[parameter].weight;
    Gathered& gathered = gathered_for(u, group, i);
    const auto [it, fresh] = gathered.views.try_emplace(parameter, no_buffer);
    if (fresh) it->second = add_view(parameter, gathered);
    return it->second;
  }

  Gathered& gathered_for(int u, Group group, int i) {
    for (Gathered& gathered : gathered_)
      if (gathered.unit == u && gathered.group == group) return gathered;
    gathered_.push_back({u, group, add_whole(lowering_.units[u], group), i,
                         lowering_.program.ops[i].label, {}});
    return gathered_.back();
  }

  BufferId add_whole(const UnitBuffers& unit, Group group) {
    const Buffer& kept = builder_.buffer(unit.weight);
    Buffer whole{fmt::format("{}.whole{}", unit.name, group_suffix[group]),
                 {1, lowering_.program.units[unit.unit].numel, 1},
                 kept.dtype,
                 Role::weight};
    if (in_slot(unit)) whole.inside = lowering_.weight_slots[unit.layer % 2];
    return builder_.add(whole);
  }

  bool in_slot(const UnitBuffers& unit) const {
    return !lowering_.weight_slots.empty() && unit.layer >= 0 && unit.decays;
  }

  /// The forward pass reads what the parameter was declared as; the others get views of their own.
  BufferId add_view(int parameter, const Gathered& gathered) {
    Buffer view = builder_.buffer(lowering_.parameters[parameter].weight);
    const FlatUnit& unit = lowering_.program.units[lowering_.units[gathered.unit].unit];
    const auto& members = lowering_.units[gathered.unit].members;
    const auto at = std::find(members.begin(), members.end(), parameter) - members.begin();
    view.persistent = false;
    view.init = {};
    view.inside = gathered.whole;
    view.inside_at = unit.segments[at].begin * size_of(view.dtype);
    if (gathered.group != forward) {
      view.name += group_suffix[gathered.group];
      return builder_.add(view);
    }
    const BufferId id = lowering_.parameters[parameter].weight;
    lowering_.program.buffers[id] = view;
    return id;
  }

  Insertions insertions() const {
    Insertions result;
    int before[] = {-1, -1, -1};  // where the layer before was used first, by group
    for (const Gathered& gathered : gathered_) {
      const UnitBuffers& unit = lowering_.units[gathered.unit];
      int at = gathered.first_use;
      if (in_slot(unit)) {
        if (before[gathered.group] >= 0) at = before[gathered.group];
        before[gathered.group] = gathered.first_use;
      }
      OpLabel label = gathered.label;
      label.layer = static_cast<std::int16_t>(unit.layer);
      label.part = "gather";
      result.emplace_back(at, gather_op(lowering_, unit, gathered.whole, label));
    }
    return result;
  }

  Lowering& lowering_;
  ShardingRules rules_;
  Builder builder_;
  std::vector<int> unit_of_;  ///< by parameter
  std::vector<Gathered> gathered_;
};

}  // namespace

void insert_ops(StepProgram& program, Insertions insertions) {
  if (insertions.empty()) return;
  std::stable_sort(insertions.begin(), insertions.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Op> ops;
  ops.reserve(program.ops.size() + insertions.size());
  auto next = insertions.begin();
  for (int i = 0; i <= static_cast<int>(program.ops.size()); ++i) {
    for (; next != insertions.end() && next->first == i; ++next)
      ops.push_back(std::move(next->second));
    if (i < static_cast<int>(program.ops.size())) ops.push_back(std::move(program.ops[i]));
  }
  program.ops = std::move(ops);
}

Op gather_op(const Lowering& lowering, const UnitBuffers& unit, BufferId whole, OpLabel label) {
  const int n_parts = sharding_rules(lowering.plan).n_parts;
  return {AllGather{lowering.program.units[unit.unit].numel, n_parts}, {unit.copy}, {whole}, label};
}

Insertions gather_weights(Lowering& lowering, int begin) {
  if (!sharding_rules(lowering.plan).weights) return {};
  return Gatherer(lowering).run(begin);
}

}  // namespace aforo
