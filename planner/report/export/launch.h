#pragma once
// The command that trains, as batch systems and clouds start it on every machine.

#include <string>

#include "planner/report/export/facts.h"

namespace aforo {

/// Shell expressions for what only the scheduler knows.
struct LaunchWords {
  std::string n_nodes, node_rank, head_address;
  std::string checkpoints = "checkpoints";  ///< folder of `aforo run`
};

/// One shell command, to be run once on each machine (`aforo run`: once per device): --command as
/// it is, `aforo run` for native plans, else torchrun with the training script of $TRAIN.
std::string launch_command(const ExportRequest& request, const Machines& machines,
                           const LaunchWords& words);

/// True if $TRAIN must be set by the user.
bool needs_training_script(const ExportRequest& request);

/// Shell lines that stop with a clear message where $TRAIN is needed and not set; "" otherwise.
std::string training_script_check(const ExportRequest& request);

/// Dollars that a generated guard allows: --budget-usd, else a quarter above the upper estimate;
/// nothing without either.
std::optional<double> budget_of(const ExportRequest& request);

/// Minutes that `budget` dollars pay for at the plan's price; nothing without a price.
std::optional<std::int64_t> budget_minutes(const ExportRequest& request, double budget);

/// `command` under a time limit of the budget's minutes (exit code 124 then); as it is without one.
std::string guarded(const ExportRequest& request, const std::string& command);

/// Hours a run may take: the upper estimate and a fifth, half an hour for set-up, in whole minutes.
int time_limit_minutes(const PlanFile& file);

}  // namespace aforo
