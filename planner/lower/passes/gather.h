#pragma once
// Weights that are sharded are gathered before they are read.

#include <utility>
#include <vector>

#include "planner/lower/lowering.h"

namespace aforo {

/// Ops to put in front of ops of a program, by index; those of one index stay in order.
using Insertions = std::vector<std::pair<int, Op>>;

/// Must come before the program has a section that reaches so far.
void insert_ops(StepProgram& program, Insertions insertions);

/// Of the ops from `begin` on, makes those that read sharded weights read views of buffers that are
/// gathered before: once for forward (or evaluation), and once more for backward and recomputation
/// if the plan frees them between. Buffers of ring slots are gathered one layer ahead.
Insertions gather_weights(Lowering& lowering, int begin);

/// The op that gathers a unit's weights, and its whole buffer.
Op gather_op(const Lowering& lowering, const UnitBuffers& unit, BufferId whole, OpLabel label);

}  // namespace aforo
