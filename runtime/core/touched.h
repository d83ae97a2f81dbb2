#pragma once
// What a step writes, seen from outside: the measured side of the memory report.

#include <array>

#include "planner/program/program.h"
#include "runtime/core/backend.h"

namespace aforo {

struct TouchedMemory {
  Bytes arena;  ///< up to the highest byte that changed; 0: not measured
  /// Of what a step keeps: each buffer up to its last element that changed, by role.
  std::array<Bytes, n_roles> kept{};
  bool operator==(const TouchedMemory&) const = default;
};

/// Fills the arena with a pattern, what is kept with small numbers, and runs every section once.
/// The contents of the arena are lost. Sections read tokens of index 0 and a learning rate of 1.
TouchedMemory measure_touched(Executor& executor, const StepProgram& program);

}  // namespace aforo
