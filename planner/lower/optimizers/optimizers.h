#pragma once
// One function per optimizer: declares its states for a parameter and emits the op that updates it.

#include "planner/lower/builder.h"
#include "planner/lower/lowering.h"

namespace aforo {

void emit_adamw(Builder& builder, const Lowering& lowering, const Parameter& parameter);
void emit_sgd(Builder& builder, const Lowering& lowering, const Parameter& parameter);

/// A zeroed fp32 state beside a parameter.
inline BufferId optimizer_state(Builder& builder, const Parameter& parameter, const char* suffix) {
  return builder.add({parameter.name + suffix,
                      builder.buffer(parameter.master).shape,
                      Dtype::fp32,
                      Role::optimizer_state,
                      {InitKind::zeros},
                      true});
}

}  // namespace aforo
