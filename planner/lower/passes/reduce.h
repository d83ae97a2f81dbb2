#pragma once
// Sums of gradients over ranks.

#include <vector>

#include "planner/lower/lowering.h"

namespace aforo {

/// The ops that sum a unit's gradient over ranks into `reduced`: they clear what lies between and
/// behind its segments, unless the whole was cleared before, and reduce it.
std::vector<Op> reduction_ops(Lowering& lowering, const UnitBuffers& unit, OpLabel label);

}  // namespace aforo
