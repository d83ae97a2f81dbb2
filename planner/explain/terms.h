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

/// The part that keeps a faster step from being faster still ("attention, 31 % of the step, not
/// sped up"), or that makes a slower one slower ("recomputation +28 % of a step").
std::string time_limit(const Outcome& before, const Outcome& after);

/// The largest part that a change leaves as it was, or the one that grows most.
std::string memory_limit(const Outcome& before, const Outcome& after);

/// The part that shrinks most ("norms, activations and casts -6 % of a step").
std::string time_gain(const Outcome& before, const Outcome& after);

/// With n times the devices: the part that is farthest above an n-th of what it was.
std::string scaling_limit(const Outcome& before, const Outcome& after, double n);

/// Share of a step that devices spend exchanging what compute does not hide.
double communication_share(const Outcome& outcome);

}  // namespace aforo::explain
