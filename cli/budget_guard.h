#pragma once
// `aforo run --budget-usd`: what the run has cost so far, and when to stop so that it costs no
// more.

#include <chrono>
#include <string>

#include "cli/arguments.h"
#include "planner/base/units.h"
#include "planner/spec/plan_file.h"

namespace aforo::cli {

/// Counts from its making until the last step: every second of wall clock, steps or not. What
/// earlier parts of the same run cost is kept in FOLDER/budget.json and goes on.
class BudgetGuard {
 public:
  /// Off without --budget-usd. The price is --usd-per-hour, else that of the plan's prediction.
  /// Throws InputError without a price or without --checkpoint, or if nothing of the budget is
  /// left.
  BudgetGuard(const Arguments& args, const PlanFile& file);

  bool on() const { return budget_usd_ > 0; }

  /// Throws an Error (over budget) if opening the run has used up what was left.
  void check_before_training() const;

  /// A step is over. True if another one, a validation (at most as long as training its batches)
  /// and two checkpoints might go over the budget, each as long as the longest so far.
  bool step_done(Seconds time);
  void checkpoint_done(Seconds time);  ///< and what it took
  /// Writes budget.json.
  void keep() const;

  bool stopped() const { return stopped_; }
  double spent_usd() const;
  /// "$0.0312 of $0.05 at $3600.00 an hour".
  std::string text() const;

 private:
  double cost(double seconds) const { return usd_per_hour_ * seconds / 3600; }

  double budget_usd_ = 0, usd_per_hour_ = 0;
  double before_usd_ = 0;  ///< earlier parts
  std::string path_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double longest_step_s_ = 0, longest_checkpoint_s_ = 0;
  int n_validation_batches_ = 0;
  bool stopped_ = false;
};

}  // namespace aforo::cli
