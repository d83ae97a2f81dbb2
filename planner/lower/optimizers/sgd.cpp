#include "planner/lower/optimizers/optimizers.h"

namespace aforo {

void emit_sgd(Builder& builder, const Lowering& lowering, const Parameter& parameter) {
  const OptimizerSpec& spec = lowering.job.optimizer;
  const ProgramPorts& ports = builder.program().ports;
  const bool has_momentum = spec.momentum != 0;
  const bool has_copy = parameter.weight != parameter.master;
  Ids reads{parameter.gradient, parameter.master, ports.control, ports.schedule},
      writes{parameter.master};
  if (has_momentum) {
    const BufferId momentum = optimizer_state(builder, parameter, ".momentum");
    reads.push_back(momentum);
    writes.push_back(momentum);
  }
  if (has_copy) writes.push_back(parameter.weight);
  builder.emit(
      Sgd{builder.buffer(parameter.master).shape.numel(), static_cast<float>(spec.momentum),
          parameter.decays ? static_cast<float>(spec.weight_decay) : 0.0f, has_momentum, has_copy},
      reads, writes);
}

}  // namespace aforo
