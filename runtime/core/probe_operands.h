#pragma once
// What the op headers say about operands beyond shape and type: which are one buffer, which are
// control, how long open ones are.

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <utility>

#include "planner/program/op.h"

namespace aforo {

/// Which read (first) is the same buffer as which write (second) in a step program: what
/// accumulates, what the optimizer updates, and what plan_memory lays on top of a dying operand.
using SharedOperands = boost::container::small_vector<std::pair<int, int>, 4>;
SharedOperands shared_operands(const OpAttrs& attrs);

/// Position among the reads of the operand that the op before it in a step has just written, which
/// the caches may still hold; -1: all come from afar. Products are left out: they take far longer
/// than their operands do to arrive.
int fresh_read(const OpAttrs& attrs);

/// Position among the reads of the control buffer, which the schedule follows where there is one;
/// -1: the op reads no control.
int control_read(const OpAttrs& attrs);
bool reads_schedule(const OpAttrs& attrs);

/// Elements of an operand whose rule leaves them open: position tables, and the norm's gradients.
std::int64_t open_numel(const OpAttrs& attrs);

/// Rows of the table that an op's indices point into; 0 for an op without indices.
std::int64_t table_rows(const OpAttrs& attrs);

}  // namespace aforo
