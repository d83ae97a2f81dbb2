// Passes that emit the model: ports, forward, backward, evaluation.

#include "planner/lower/blocks/transformer.h"
#include "planner/lower/builder.h"
#include "planner/lower/gradients.h"
#include "planner/lower/passes/gather.h"
#include "planner/lower/passes/passes.h"

namespace aforo {
namespace {

constexpr float initial_loss_scale = 65536.0f;  // torch.amp.GradScaler's default, 2^16

BufferId add_port(Builder& builder, const char* name, std::int64_t size, Dtype dtype, Role role,
                  Init init) {
  return builder.add({name, {1, size, 1}, dtype, role, init, true});
}

}  // namespace

void declare_ports(Lowering& lowering) {
  StepProgram& program = lowering.program;
  Builder builder(program);
  program.seq_len = lowering.job.seq_len;
  program.rows = static_cast<std::int64_t>(lowering.plan.micro_batch_size) * lowering.job.seq_len;
  ProgramPorts& ports = program.ports;
  const Init zeros{InitKind::zeros};
  ports.tokens = add_port(builder, "tokens", program.rows, Dtype::int32, Role::input, zeros);
  ports.targets = add_port(builder, "targets", program.rows, Dtype::int32, Role::input, zeros);
  ports.schedule = add_port(builder, "schedule", schedule::size, Dtype::fp32, Role::input, zeros);
  ports.control = add_port(builder, "control", control::size, Dtype::fp32, Role::control, zeros);
  ports.loss_sum = add_port(builder, "loss_sum", 1, Dtype::fp64, Role::control, zeros);
  ports.workspace = add_port(builder, "workspace", program.target.workspace.value / 4, Dtype::fp32,
                             Role::workspace, Init{});
  program.initial_loss_scale = lowering.recipe.loss_scaling ? initial_loss_scale : 1.0f;
}

void emit_forward(Lowering& lowering) {
  Builder builder(lowering.program);
  const ForwardResult result = emit_transformer(builder, lowering, Phase::forward, true);
  lowering.logits = result.logits;
  lowering.logits_gradient = result.logits_gradient;
}

void append_backward(Lowering& lowering) {
  Builder builder(lowering.program);
  append_gradients(lowering, builder, lowering.logits, lowering.logits_gradient);
}

void append_evaluation(Lowering& lowering) {
  StepProgram& program = lowering.program;
  const int begin = static_cast<int>(program.ops.size());
  Builder builder(program);
  emit_transformer(builder, lowering, Phase::evaluate, false);
  insert_ops(program, gather_weights(lowering, begin));
  program.sections.push_back(
      {SectionKind::evaluate, begin, static_cast<int>(program.ops.size()), 0});
}

}  // namespace aforo
