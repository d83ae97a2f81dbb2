#pragma once
// When each buffer must hold its contents, as a range of op indices.

#include <vector>

#include "planner/program/program.h"

namespace aforo {

/// Ops [first, last] during which a buffer occupies memory. Persistent buffers and the workspace
/// span all ops; a buffer that no op touches has first > last. A buffer that enters or leaves a
/// repeated section, or is read in it before it is written, holds its contents through the whole of
/// that section, since the section runs again. A buffer lives as long as its views do; a view from
/// its own first use to its last.
struct Lifetime {
  int first = 1;
  int last = 0;
  bool empty() const { return first > last; }
};

std::vector<Lifetime> lifetimes(const StepProgram& program);

}  // namespace aforo
