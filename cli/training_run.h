#pragma once
// A plan as it is executed: on one rank, on several that are threads of this process, or as one of
// several processes.

#include <memory>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/budget_guard.h"
#include "cli/inputs.h"
#include "planner/simulate/simulate.h"
#include "planner/spec/plan_file.h"
#include "runtime/core/backend.h"
#include "runtime/core/data.h"
#include "runtime/core/launcher.h"

namespace aforo::cli {

/// Everything one run needs, opened and checked before the first step.
struct TrainingRun {
  PlanFile file;
  StepProgram program;
  Estimate estimate;
  Launch launch;            ///< by mpirun or srun; else all ranks are threads of this process
  std::vector<std::unique_ptr<Backend>> backends;  ///< one a rank of this process
  std::string log_path;
  std::string checkpoint_folder;  ///< empty: none
  std::int64_t n_steps = 0;
  bool json = false;

  int n_ranks() const { return file.plan.parallel.dp; }
  bool launched() const { return launch.n_ranks > 1; }
  bool prints() const { return !json && launch.rank == 0; }
};

/// Trains, logs and compares with the prediction; returns the exit code. Of several processes rank 0
/// does so for all, and minds the budget.
int train_plan(const TrainingRun& run, const Arguments& args, const TokenFile& tokens,
               const Device& device, BudgetGuard& guard);

}  // namespace aforo::cli
