#pragma once
// A plan as it is executed: on one rank, or on several that are threads of this process.

#include <memory>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/inputs.h"
#include "planner/simulate/simulate.h"
#include "planner/spec/plan_file.h"
#include "runtime/core/backend.h"
#include "runtime/core/data.h"

namespace aforo::cli {

/// Everything one run needs, opened and checked before the first step.
struct TrainingRun {
  PlanFile file;
  StepProgram program;
  Estimate estimate;
  std::vector<std::unique_ptr<Backend>> backends;  ///< one a rank
  std::string log_path;
  std::string checkpoint_folder;  ///< empty: none
  std::int64_t n_steps = 0;
  bool json = false;

  int n_ranks() const { return file.plan.parallel.dp; }
};

/// Trains, logs and compares with the prediction; returns the exit code.
int train_plan(const TrainingRun& run, const Arguments& args, const TokenFile& tokens,
               const Device& device);

}  // namespace aforo::cli
