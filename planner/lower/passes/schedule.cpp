// Micro-steps: the ops so far become a section that repeats.

#include <algorithm>

#include "planner/lower/builder.h"
#include "planner/lower/passes/passes.h"
#include "planner/lower/sharding.h"

namespace aforo {
namespace {

/// Turns the flags of ops that write a weight gradient for the first time into "accumulate", and
/// adds the reads. Operand orders are those of the op headers: accumulated targets come last among
/// the reads.
struct Accumulate {
  Op& op;

  void operator()(Gemm& attrs) const {
    if (attrs.accumulate) return;
    attrs.accumulate = true;
    op.reads.push_back(op.writes[0]);
  }
  void operator()(ColumnSum& attrs) const {
    if (attrs.accumulate) return;
    attrs.accumulate = true;
    op.reads.push_back(op.writes[0]);
  }
  void operator()(AllReduce& attrs) const { add_to_sum(attrs.accumulate); }
  void operator()(ReduceScatter& attrs) const { add_to_sum(attrs.accumulate); }
  void operator()(LayerNormBackward& attrs) const { all_but_first(attrs.accumulate_weights); }
  void operator()(RmsNormBackward& attrs) const { all_but_first(attrs.accumulate_weights); }
  void operator()(QkNormBackward& attrs) const { all_but_first(attrs.accumulate_weights); }
  void operator()(EmbeddingBackward& attrs) const {
    // tokens come before positions: rebuild the tail, since a tied table may accumulate already
    op.reads.resize(2);
    attrs.accumulate_tokens = true;
    attrs.accumulate_positions = attrs.has_positions;
    op.reads.insert(op.reads.end(), op.writes.begin(), op.writes.end());
  }
  template <typename Attrs>
  void operator()(Attrs&) const {}

 private:
  void add_to_sum(bool& flag) const {
    flag = true;
    op.reads.push_back(op.writes[0]);
  }
  void all_but_first(bool& flag) const {
    if (flag) return;
    flag = op.writes.size() > 1;
    op.reads.insert(op.reads.end(), op.writes.begin() + 1, op.writes.end());
  }
};

bool writes_gradient(const StepProgram& program, const Op& op) {
  for (BufferId id : op.writes)
    if (program.buffers[id].role == Role::gradient) return true;
  return false;
}

/// What the micro-steps of a step add their gradients to.
std::vector<BufferId> gradient_sums(const Lowering& lowering) {
  std::vector<BufferId> sums;
  const ShardingRules rules = sharding_rules(lowering.plan);
  for (const UnitBuffers& unit : lowering.units)
    sums.push_back(!rules.reduce_each_micro_step ? unit.gradient
                   : rules.shares()              ? unit.share
                                                 : unit.reduced);
  if (lowering.units.empty())
    for (const Parameter& parameter : lowering.parameters) sums.push_back(parameter.gradient);
  return sums;
}

}  // namespace

void schedule_micro_steps(Lowering& lowering) {
  StepProgram& program = lowering.program;
  const std::int64_t n_micro = lowering.plan.grad_accum(lowering.job.global_batch_size);
  std::vector<Op> micro_step = std::move(program.ops);
  program.ops.clear();
  Builder builder(program);
  builder.label = {Phase::setup, -1, "clear"};
  builder.emit(Fill{1, 0.0f}, {}, {program.ports.loss_sum});
  if (n_micro > 1) {
    for (BufferId sum : gradient_sums(lowering))
      builder.emit(Fill{program.buffers[sum].shape.numel(), 0.0f}, {}, {sum});
    // Gradients of a micro-step that are reduced in it are complete; their sum accumulates.
    const bool reduced = sharding_rules(lowering.plan).reduce_each_micro_step;
    for (Op& op : micro_step)
      if (writes_gradient(program, op) && reduced == (n_ranks_of(op.attrs) > 0))
        std::visit(Accumulate{op}, op.attrs);
  }
  // What is gathered once a step.
  const auto rest = std::stable_partition(micro_step.begin(), micro_step.end(), [](const Op& op) {
    return op.label.phase == Phase::setup;
  });
  program.ops.insert(program.ops.end(), micro_step.begin(), rest);
  micro_step.erase(micro_step.begin(), rest);
  const int begin = static_cast<int>(program.ops.size());
  program.sections.push_back({SectionKind::begin, 0, begin, 1});
  program.ops.reserve(begin + micro_step.size());
  for (Op& op : micro_step) program.ops.push_back(std::move(op));
  program.sections.push_back(
      {SectionKind::micro_step, begin, static_cast<int>(program.ops.size()), n_micro});
}

}  // namespace aforo
