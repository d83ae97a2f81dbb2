#pragma once
// Where memory and time of an outcome are, and which part limits what a change brings.

#include <string>
#include <vector>

#include "planner/explain/variant.h"

namespace aforo::explain {

/// A part of a step (seconds) or of a device's memory (bytes).
struct Term {
  std::string name;
  double value = 0;
};

std::vector<Term> time_terms(const Outcome& outcome);
std::vector<Term> memory_terms(const Outcome& outcome);

/// The part that keeps a faster step from being faster still ("attention, 31 % of the step, is not
/// sped up"), or that makes a slower one slower ("recomputation adds 28 %").
std::string time_limit(const Outcome& before, const Outcome& after);

/// The largest part that a change leaves as it was, or the one that grows most.
std::string memory_limit(const Outcome& before, const Outcome& after);

/// Share of a step that devices spend exchanging what compute does not hide.
double communication_share(const Outcome& outcome);

}  // namespace aforo::explain
