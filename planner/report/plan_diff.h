#pragma once
// Two plan files side by side: what changed, and what that does to money, time and memory.

#include <optional>
#include <string>
#include <vector>

#include "planner/simulate/simulate.h"
#include "planner/spec/plan_file.h"

namespace aforo {

/// A setting that differs, as plan files write it.
struct ChangedSetting {
  std::string key, before, after;
};

/// A predicted quantity of both plans.
struct ChangedQuantity {
  std::string name;  ///< cost, time, memory, throughput
  Interval before, after;
  /// (after - before) / before; 0 if both are 0.
  double change() const;
  /// True if the two intervals overlap: the change may be none.
  bool within_spread() const;
};

struct PlanDiff {
  std::vector<ChangedSetting> settings;
  /// Cost in dollars if both prices are known, else device-hours; hours; bytes of a device;
  /// tokens/s.
  ChangedQuantity cost, time, memory, throughput;
  bool priced = false;
};

PlanDiff diff_plans(const PlanFile& before, const PlanFile& after);

/// The quantities of `names` (cost, time, memory) that rose by more than `limit`, such as 0.1.
std::vector<const ChangedQuantity*> over_limit(const PlanDiff& diff,
                                               const std::vector<std::string>& names, double limit);

/// For a terminal, and as Markdown for a pull request. `verdict` is the last line; may be empty.
std::string diff_text(const PlanDiff& diff, const std::string& verdict);
std::string diff_markdown(const PlanDiff& diff, const std::string& verdict);
std::string diff_json(const PlanDiff& diff, const std::vector<const ChangedQuantity*>& over);

/// "+12.3 %"
std::string change_text(const ChangedQuantity& quantity);

}  // namespace aforo
