#include "planner/lower/optimizers/optimizers.h"

namespace aforo {

void emit_adamw(Builder& builder, const Lowering& lowering, const Parameter& parameter) {
  const OptimizerSpec& spec = lowering.job.optimizer;
  const ProgramPorts& ports = builder.program().ports;
  const BufferId m = optimizer_state(builder, parameter, ".m");
  const BufferId v = optimizer_state(builder, parameter, ".v");
  const bool has_copy = parameter.weight != parameter.master;
  Ids writes{parameter.master, m, v};
  if (has_copy) writes.push_back(parameter.weight);
  builder.emit(AdamW{builder.buffer(parameter.master).shape.numel(), static_cast<float>(spec.beta1),
                     static_cast<float>(spec.beta2), static_cast<float>(spec.epsilon),
                     parameter.decays ? static_cast<float>(spec.weight_decay) : 0.0f, has_copy},
               {parameter.gradient, parameter.master, m, v, ports.control, ports.schedule}, writes);
}

}  // namespace aforo
