#pragma once
// Jobs and plans whose sizes leave 63 bits: nothing can be made of them, and nothing else would
// notice.

#include <string>

#include "planner/spec/job.h"
#include "planner/spec/plan.h"

namespace aforo {

/// "" if every count of bytes of the pair stays below 2^62; else what is too large, and that it is.
/// The model must have passed model_problem.
std::string size_problem(const TrainingJob& job, const Plan& plan);

}  // namespace aforo
