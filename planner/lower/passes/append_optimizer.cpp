#include "planner/lower/optimizers/optimizers.h"
#include "planner/lower/passes/gather.h"
#include "planner/lower/passes/passes.h"
#include "planner/lower/passes/reduce.h"
#include "planner/lower/sharding.h"

namespace aforo {
namespace {

// torch.amp.GradScaler's default; the loss scale doubles after this many good steps.
constexpr int growth_interval = 2000;

struct OptimizerEmitter {
  OptimizerKind kind;
  void (*emit)(Builder&, const Lowering&, const Parameter&);
};
constexpr OptimizerEmitter optimizers[] = {
    {OptimizerKind::adamw, emit_adamw},
    {OptimizerKind::sgd, emit_sgd},
};

/// What is reduced once a step: gradients that are summed over micro-steps first, and parts that
/// several shard groups hold.
void emit_reduction(Builder& builder, Lowering& lowering, const ShardingRules& rules) {
  builder.label = {Phase::optimizer, -1, "reduce"};
  for (const UnitBuffers& unit : lowering.units) {
    if (!rules.reduce_each_micro_step)
      for (Op& op : reduction_ops(lowering, unit, builder.label))
        builder.program().ops.push_back(std::move(op));
    if (rules.n_replicas == 1) continue;
    const std::int64_t numel = builder.buffer(unit.reduced).shape.numel();
    if (rules.shares()) {
      builder.emit(AllGather{numel, rules.n_replicas, rules.n_parts}, {unit.share}, {unit.reduced});
    } else {
      builder.emit(AllReduce{numel, rules.n_replicas, rules.n_parts}, {unit.reduced},
                   {unit.reduced});
    }
  }
}

BufferId add_scalars(Builder& builder, const char* name, std::int64_t size) {
  return builder.add({name, {1, size, 1}, Dtype::fp64, Role::control, {}, false});
}

/// The sum over chunks in the order of the units, whoever owns them.
BufferId emit_norm_in_order(Builder& builder, const Ids& gradients, std::int64_t numel,
                            int n_parts) {
  const std::int64_t n_sums = numel / norm_chunk;
  BufferId sums = add_scalars(builder, "norm_partials", n_sums);
  builder.emit(NormPartials{numel}, gradients, {sums});
  if (n_parts > 1) {
    const BufferId all = add_scalars(builder, "norm_partials.all", n_parts * n_sums);
    builder.emit(AllGather{n_parts * n_sums, n_parts}, {sums}, {all});
    sums = all;
  }
  const BufferId norm = add_scalars(builder, "norm_squared", 1);
  Ids reads{sums};
  reads.insert(reads.end(), gradients.begin(), gradients.end());
  builder.emit(NormTotal{n_parts * n_sums, n_parts}, reads, {norm});
  return norm;
}

BufferId emit_norm(Builder& builder, const Lowering& lowering, const ShardingRules& rules) {
  Ids gradients;
  std::int64_t numel = 0;
  const auto add = [&](BufferId gradient) {
    gradients.push_back(gradient);
    numel += builder.buffer(gradient).shape.numel();
  };
  for (const UnitBuffers& unit : lowering.units) add(unit.reduced);
  if (lowering.units.empty())
    for (const Parameter& parameter : lowering.parameters) add(parameter.gradient);
  if (lowering.plan.deterministic)
    return emit_norm_in_order(builder, gradients, numel, rules.n_parts);
  const BufferId norm = add_scalars(builder, "norm_squared", 1);
  builder.emit(GradientNorm{numel}, gradients, {norm});
  if (rules.n_parts > 1) builder.emit(AllReduce{1, rules.n_parts}, {norm}, {norm});
  return norm;
}

void emit_control(Builder& builder, const Lowering& lowering, const ShardingRules& rules) {
  const ProgramPorts& ports = builder.program().ports;
  builder.label = {Phase::optimizer, -1, "clip"};
  const BufferId norm = emit_norm(builder, lowering, rules);
  builder.emit(StepControl{static_cast<float>(lowering.job.optimizer.clip_norm),
                           lowering.recipe.loss_scaling, growth_interval},
               {norm, ports.control}, {ports.control});
}

/// Everything the optimizer updates: parameters, or flat units as if each were one.
std::vector<Parameter> updated_parameters(const Lowering& lowering) {
  if (lowering.units.empty()) return lowering.parameters;
  std::vector<Parameter> result;
  for (const UnitBuffers& unit : lowering.units)
    result.push_back({unit.name, unit.copy, unit.updated, unit.reduced, unit.decays, "", {}});
  return result;
}

/// Ranks that updated their parts of weights all hold need the parts of the others.
void emit_gathers(Builder& builder, const Lowering& lowering, const ShardingRules& rules) {
  if (!rules.states || rules.weights) return;
  for (const UnitBuffers& unit : lowering.units)
    builder.program().ops.push_back(
        gather_op(lowering, unit, unit.weight, {Phase::optimizer, -1, "gather"}));
}

}  // namespace

void append_optimizer(Lowering& lowering) {
  StepProgram& program = lowering.program;
  const int begin = static_cast<int>(program.ops.size());
  Builder builder(program);
  const ShardingRules rules = sharding_rules(lowering.plan);
  emit_reduction(builder, lowering, rules);
  emit_control(builder, lowering, rules);
  builder.label = {Phase::optimizer, -1, "update"};
  for (const OptimizerEmitter& optimizer : optimizers)
    if (optimizer.kind == lowering.job.optimizer.kind)
      for (const Parameter& parameter : updated_parameters(lowering))
        optimizer.emit(builder, lowering, parameter);
  emit_gathers(builder, lowering, rules);
  program.sections.push_back(
      {SectionKind::optimizer, begin, static_cast<int>(program.ops.size()), 1});
}

}  // namespace aforo
