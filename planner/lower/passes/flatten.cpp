// Flat units: the parameters of a block become views of one flat buffer, which collectives move and
// the optimizer updates as a whole; sharded weights are gathered, gradients of a micro-step
// reduced.

#include <fmt/format.h>

#include <algorithm>

#include "planner/lower/builder.h"
#include "planner/lower/passes/gather.h"
#include "planner/lower/passes/passes.h"
#include "planner/lower/passes/reduce.h"
#include "planner/lower/sharding.h"

namespace aforo {
namespace {

// Elements: 256 bytes of a 16-bit type, which kernels ask of an operand's address.
constexpr std::int64_t segment_alignment = 128;

std::int64_t aligned_to(std::int64_t n, std::int64_t alignment) {
  return (n + alignment - 1) / alignment * alignment;
}

class Flattener {
 public:
  explicit Flattener(Lowering& lowering)
      : lowering_(lowering),
        program_(lowering.program),
        builder_(lowering.program),
        rules_(sharding_rules(lowering.plan)),
        accumulates_(lowering.plan.grad_accum(lowering.job.global_batch_size) > 1) {}

  void run() {
    group_parameters();
    for (UnitBuffers& unit : lowering_.units) lay_out(unit);
    if (rules_.ring_slots) add_slots();
    for (UnitBuffers& unit : lowering_.units) {
      add_weights(unit);
      add_gradients(unit);
    }
    Insertions insertions = gather_weights(lowering_, 0);
    gather_vectors(insertions);
    if (rules_.reduce_each_micro_step) reduce(insertions);
    insert_ops(program_, std::move(insertions));
  }

 private:
  /// A unit for the matrices and one for the vectors of every block, in declaration order.
  void group_parameters() {
    for (std::size_t i = 0; i < lowering_.parameters.size(); ++i) {
      const Parameter& parameter = lowering_.parameters[i];
      const bool together = rules_.vectors_together && !parameter.decays;
      const std::string name = together ? "vectors"
                                        : fmt::format("{}.{}", parameter.block,
                                                      parameter.decays ? "matrices" : "vectors");
      UnitBuffers& unit = unit_called(name);
      unit.decays = parameter.decays;
      if (!together && parameter.block[0] == 'L') unit.layer = std::stoi(parameter.block.substr(1));
      unit.members.push_back(static_cast<int>(i));
    }
  }

  UnitBuffers& unit_called(const std::string& name) {
    for (UnitBuffers& unit : lowering_.units)
      if (unit.name == name) return unit;
    lowering_.units.push_back({name});
    return lowering_.units.back();
  }

  void lay_out(UnitBuffers& unit) {
    FlatUnit flat{unit.name, 0, {}};
    for (int member : unit.members) {
      const Parameter& parameter = lowering_.parameters[member];
      const Shape shape = builder_.buffer(parameter.weight).shape;
      flat.segments.push_back({parameter.name, shape, flat.numel, parameter.init});
      flat.numel = aligned_to(flat.numel + shape.numel(), segment_alignment);
    }
    const int n_parts = rules_.shares() ? rules_.n_ranks : rules_.n_parts;
    flat.numel = aligned_to(flat.numel, norm_chunk * n_parts);
    unit.unit = static_cast<int>(program_.units.size());
    program_.units.push_back(std::move(flat));
  }

  std::int64_t numel(const UnitBuffers& unit) const { return program_.units[unit.unit].numel; }
  bool in_slots(const UnitBuffers& unit) const {
    return rules_.ring_slots && unit.layer >= 0 && unit.decays;
  }

  /// Two buffers for weights and two for gradients, as large as the largest layer.
  void add_slots() {
    std::int64_t most = 0;
    Dtype dtype = Dtype::fp32;
    for (const UnitBuffers& unit : lowering_.units) {
      if (!in_slots(unit)) continue;
      most = std::max(most, numel(unit));
      dtype = builder_.buffer(lowering_.parameters[unit.members[0]].weight).dtype;
    }
    for (int slot = 0; slot < 2; ++slot) {
      lowering_.weight_slots.push_back(
          builder_.add({fmt::format("weights.slot{}", slot), {1, most, 1}, dtype, Role::weight}));
      gradient_slots_.push_back(builder_.add(
          {fmt::format("gradients.slot{}", slot), {1, most, 1}, Dtype::fp32, Role::gradient}));
    }
  }

  BufferId add_kept(const UnitBuffers& unit, const char* suffix, Dtype dtype, Role role,
                    bool sharded) {
    Buffer buffer{unit.name + suffix, {1, numel(unit), 1}, dtype, role, {InitKind::segments}, true};
    if (sharded) buffer.shape.cols /= rules_.n_parts;
    buffer.unit = unit.unit;
    buffer.sharded = sharded;
    return builder_.add(buffer);
  }

  void add_weights(UnitBuffers& unit) {
    const Dtype dtype = builder_.buffer(lowering_.parameters[unit.members[0]].weight).dtype;
    unit.weight = unit.copy = add_kept(unit, "", dtype, Role::weight, rules_.weights);
    if (rules_.states && !rules_.weights) unit.copy = add_own_part(unit);
    unit.updated = dtype == Dtype::fp32
                       ? unit.copy
                       : add_kept(unit, ".master", Dtype::fp32, Role::master, rules_.states);
    program_.parameters.push_back(unit.updated);
    if (!rules_.weights) return view_parameters(unit, unit.weight, &Parameter::weight);
    if (!rules_.vectors_together || unit.decays) return;
    unit.gathered_once =
        builder_.add({unit.name + ".whole", {1, numel(unit), 1}, dtype, Role::weight});
    view_parameters(unit, unit.gathered_once, &Parameter::weight);
  }

  BufferId add_own_part(const UnitBuffers& unit) {
    Buffer part = builder_.buffer(unit.weight);
    part.name += ".own";
    part.shape.cols /= rules_.n_parts;
    part.persistent = false;
    part.init = {};
    part.inside = unit.weight;
    part.own_part = part.sharded = true;
    return builder_.add(part);
  }

  void add_gradients(UnitBuffers& unit) {
    const auto add = [&](const char* suffix, std::int64_t size) {
      return Buffer{unit.name + suffix, {1, size, 1}, Dtype::fp32, Role::gradient};
    };
    Buffer whole = add(".gradient", numel(unit));
    if (in_slots(unit)) whole.inside = gradient_slots_[unit.layer % 2];
    unit.gradient = builder_.add(whole);
    view_parameters(unit, unit.gradient, &Parameter::gradient);
    const bool in_place = rules_.n_parts == 1 && !(rules_.reduce_each_micro_step && accumulates_);
    if (rules_.shares()) unit.share = builder_.add(add(".share", numel(unit) / rules_.n_ranks));
    unit.reduced =
        in_place ? unit.gradient : builder_.add(add(".reduced", numel(unit) / rules_.n_parts));
  }

  /// Turns a buffer of every member, its weight or its gradient, into a view of `whole`.
  void view_parameters(const UnitBuffers& unit, BufferId whole, BufferId Parameter::*which) {
    const FlatUnit& flat = program_.units[unit.unit];
    for (std::size_t i = 0; i < unit.members.size(); ++i) {
      Buffer& view = program_.buffers[lowering_.parameters[unit.members[i]].*which];
      view.persistent = false;
      view.init = {};
      view.inside = whole;
      view.inside_at = flat.segments[i].begin * size_of(view.dtype);
    }
  }

  void gather_vectors(Insertions& insertions) {
    for (const UnitBuffers& unit : lowering_.units)
      if (unit.gathered_once != no_buffer)
        insertions.emplace_back(
            0, gather_op(lowering_, unit, unit.gathered_once, {Phase::setup, -1, "gather"}));
  }

  /// Sharded gradients are reduced as soon as they are complete, others when all are.
  void reduce(Insertions& insertions) {
    for (const UnitBuffers& unit : lowering_.units) {
      const int at =
          rules_.gradients ? last_write(unit) + 1 : static_cast<int>(program_.ops.size());
      const OpLabel label{Phase::backward, static_cast<std::int16_t>(unit.layer), "reduce"};
      for (Op& op : reduction_ops(lowering_, unit, label))
        insertions.emplace_back(at, std::move(op));
    }
  }

  int last_write(const UnitBuffers& unit) const {
    for (int i = static_cast<int>(program_.ops.size()) - 1; i >= 0; --i)
      for (BufferId id : program_.ops[i].writes)
        if (program_.buffers[id].inside == unit.gradient) return i;
    return -1;
  }

  Lowering& lowering_;
  StepProgram& program_;
  Builder builder_;
  ShardingRules rules_;
  bool accumulates_;
  std::vector<BufferId> gradient_slots_;
};

}  // namespace

void flatten(Lowering& lowering) {
  lowering.program.n_ranks = sharding_rules(lowering.plan).n_ranks;
  if (sharding_rules(lowering.plan).flat) Flattener(lowering).run();
}

}  // namespace aforo
