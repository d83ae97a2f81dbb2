#pragma once
// Reverse-mode differentiation over ops: one rule per op. What a rule reads of the forward pass is
// the activation memory.

#include "planner/lower/builder.h"
#include "planner/lower/lowering.h"

namespace aforo {

/// Appends the backward ops of everything emitted so far. `seed` already holds the gradient of
/// `value`. Declares a gradient buffer for every parameter that is reached, and notes it in
/// lowering.parameters.
void append_gradients(Lowering& lowering, Builder& builder, BufferId value, BufferId seed);

}  // namespace aforo
