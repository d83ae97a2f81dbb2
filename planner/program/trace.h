#pragma once
// What a step takes. Estimates and measurements share this type, so comparing them is a join on op
// index.

#include <array>
#include <vector>

#include "planner/base/units.h"
#include "planner/program/buffer.h"

namespace aforo {

/// Time of one op, once. `limited_by` says which term of the cost model won; empty in a
/// measurement.
struct Span {
  int op = -1;
  Seconds time;
  const char* limited_by = "";
};

struct Trace {
  Seconds step_time;        ///< one optimizer step, all sections with their repeats
  std::vector<Span> spans;  ///< one per op, in program order
  Bytes arena;
  Bytes process;  ///< resident memory of the process (CPU) or memory in use on the device
};

}  // namespace aforo
