#pragma once
// Times of ops over several profiled runs, brought down to one span per op.

#include <vector>

#include "planner/program/program.h"
#include "planner/program/trace.h"

namespace aforo {

/// Middle value; the mean of the two middle ones if their number is even. Zero of none.
Seconds median(std::vector<Seconds> times);

class Profile {
 public:
  /// Adds one profiled run of a section: a time per op of it, in order. Throws InternalError if
  /// their number differs.
  void add(const Section& section, const std::vector<Seconds>& times);

  bool empty() const { return samples_.empty(); }

  /// One span per op of the program, in order: the median of what was added, zero for an op whose
  /// section never ran.
  std::vector<Span> spans(const StepProgram& program) const;

 private:
  std::vector<std::vector<Seconds>> samples_;  ///< by op
};

}  // namespace aforo
