#pragma once
// What a little more money or time buys, and what stands in the way if there is no choice.

#include <string>
#include <vector>

#include "planner/scenarios/compare.h"

namespace aforo::scenarios {

/// Two sentences: the fastest row for up to 10 % more money than the chosen, the cheapest for up to
/// 10 % more time; where that buys less than 1 %, how far the next step of the front is.
std::vector<std::string> trades_of(const Answer& answer);

/// If every row is over budget or deadline: the cheapest that is in time, the fastest within the
/// budget, and how far they are over.
std::vector<std::string> limits_of(const Answer& answer);

}  // namespace aforo::scenarios
