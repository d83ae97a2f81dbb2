#pragma once
// Runs a step program on the CPU.

#include <memory>

#include "runtime/core/backend.h"
#include "runtime/cpu/kernel.h"

namespace aforo::cpu {

/// Where buffers lie: at their planned offsets in one arena, or each in a heap block of its own
/// (see make_cpu_backend_separate).
enum class Placement : std::uint8_t { arena, separate };

/// Loads a program that has a memory plan. Throws EnvironmentError if the machine has too little
/// memory for it, InternalError if the communicator has other ranks than the program.
std::unique_ptr<Executor> make_executor(const StepProgram& program, int n_threads,
                                        ExecuteFunction execute, Placement placement,
                                        Communicator* communicator);

}  // namespace aforo::cpu
