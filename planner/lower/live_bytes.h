#pragma once
// What is live when: the account behind a memory plan, op by op.

#include <array>
#include <cstdint>
#include <vector>

#include "planner/program/program.h"

namespace aforo {

using BytesByRole = std::array<std::int64_t, n_roles>;

/// Bytes that are live at each op, by role, alignment included. Memory that an op hands from an
/// operand to its result counts once, under the operand's role. The arena is at least the most of
/// their sums; what it is larger is fragmentation.
std::vector<BytesByRole> live_bytes(const StepProgram& program);

}  // namespace aforo
