#pragma once
// One function per optimizer: declares its states for a parameter and emits the op that updates it.

#include "planner/lower/builder.h"
#include "planner/lower/lowering.h"

namespace aforo {

void emit_adamw(Builder& builder, const Lowering& lowering, const Parameter& parameter);
void emit_sgd(Builder& builder, const Lowering& lowering, const Parameter& parameter);

/// A zeroed fp32 state beside a parameter, sharded as that is.
inline BufferId optimizer_state(Builder& builder, const Parameter& parameter, const char* suffix) {
  const Buffer& master = builder.buffer(parameter.master);
  Buffer state{parameter.name + suffix,   master.shape, Dtype::fp32,
               Role::optimizer_state, {InitKind::zeros}, true};
  state.unit = master.unit;
  state.sharded = master.sharded;
  return builder.add(state);
}

}  // namespace aforo
