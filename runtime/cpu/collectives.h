#pragma once
// Collectives of several ranks, on operands in host memory.

#include "planner/program/program.h"
#include "runtime/core/communicator.h"
#include "runtime/cpu/kernel.h"

namespace aforo::cpu {

/// True for a collective over more than one rank: no kernel runs those.
bool is_collective(const OpAttrs& attrs);

/// Runs such an op. Throws what the communicator throws.
void run_collective(Communicator& communicator, const StepProgram& program, const Op& op,
                    const KernelArgs& args);

}  // namespace aforo::cpu
