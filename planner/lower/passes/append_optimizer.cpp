#include "planner/lower/optimizers/optimizers.h"
#include "planner/lower/passes/passes.h"

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

void emit_reduction(Builder& builder, const Lowering& lowering) {
  builder.label = {Phase::optimizer, -1, "reduce"};
  for (const Parameter& parameter : lowering.parameters)
    builder.emit(
        AllReduce{builder.buffer(parameter.gradient).shape.numel(), lowering.plan.parallel.dp},
        {parameter.gradient}, {parameter.gradient});
}

void emit_control(Builder& builder, const Lowering& lowering) {
  const ProgramPorts& ports = builder.program().ports;
  builder.label = {Phase::optimizer, -1, "clip"};
  Ids gradients;
  std::int64_t numel = 0;
  for (const Parameter& parameter : lowering.parameters) {
    gradients.push_back(parameter.gradient);
    numel += builder.buffer(parameter.gradient).shape.numel();
  }
  const BufferId norm =
      builder.add({"norm_squared", {1, 1, 1}, Dtype::fp64, Role::control, {}, false});
  builder.emit(GradientNorm{numel}, gradients, {norm});
  builder.emit(StepControl{static_cast<float>(lowering.job.optimizer.clip_norm),
                           lowering.recipe.loss_scaling, growth_interval},
               {norm, ports.control}, {ports.control});
}

}  // namespace

void append_optimizer(Lowering& lowering) {
  StepProgram& program = lowering.program;
  const int begin = static_cast<int>(program.ops.size());
  Builder builder(program);
  if (lowering.plan.parallel.dp > 1) emit_reduction(builder, lowering);
  emit_control(builder, lowering);
  builder.label = {Phase::optimizer, -1, "update"};
  for (const OptimizerEmitter& optimizer : optimizers)
    if (optimizer.kind == lowering.job.optimizer.kind)
      for (const Parameter& parameter : lowering.parameters)
        optimizer.emit(builder, lowering, parameter);
  program.sections.push_back(
      {SectionKind::optimizer, begin, static_cast<int>(program.ops.size()), 1});
}

}  // namespace aforo
