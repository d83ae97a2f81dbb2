#pragma once
// The passes of lowering, each a function that rewrites one program. lower.cpp lists them in order
// and says why.

#include "planner/lower/lowering.h"

namespace aforo {

/// Declares ports, weights, masters and their first contents.
void declare_ports(Lowering& lowering);
void declare_parameters(Lowering& lowering);

/// Emits forward and loss of one micro-batch.
void emit_forward(Lowering& lowering);

/// Appends one gradient rule per forward op, last op first.
void append_backward(Lowering& lowering);

/// Replaces what a layer's backward pass would keep by computing it again just before, as
/// plan.recompute says per layer.
void recompute(Lowering& lowering);

/// With several ranks, or deterministic: lays parameters into flat units, shards them as the plan
/// says, gathers sharded weights before they are read and reduces gradients that every micro-step
/// reduces.
void flatten(Lowering& lowering);

/// Makes the micro-step a section that repeats; with several micro-steps gradients accumulate into
/// cleared buffers.
void schedule_micro_steps(Lowering& lowering);

/// Appends data-parallel reduction, gradient norm, step control, one optimizer op per parameter (or
/// flat unit), and what gathers weights whose states are sharded.
void append_optimizer(Lowering& lowering);

/// Appends a forward pass without gradients, for validation.
void append_evaluation(Lowering& lowering);

/// Places every buffer in one arena; see plan_memory.cpp.
void plan_memory(Lowering& lowering);

}  // namespace aforo
