#pragma once
// The buffers of a program as a memory snapshot of PyTorch, which pytorch.org/memory_viz draws.

#include <string>
#include <vector>

#include "planner/program/program.h"

namespace aforo {

/// Something that happens to a block of the arena.
struct MemoryEvent {
  bool allocates;  ///< else frees
  BufferId buffer;
  int op;  ///< at which; -1 before the first
};

/// Allocations and frees in an order in which no two blocks ever overlap: what lives from step to
/// step first; a result that takes over an operand's memory after that operand is freed.
std::vector<MemoryEvent> memory_events(const StepProgram& program);

/// A pickled snapshot with one segment, the arena, and the events as the trace of device 0. Frames
/// name the buffer and the op.
std::string memory_snapshot(const StepProgram& program);

}  // namespace aforo
