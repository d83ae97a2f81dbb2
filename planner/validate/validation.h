#pragma once
// Predicts published runs from their inputs and scores the predictions by group.

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "planner/fast/memory.h"
#include "planner/fast/time.h"
#include "planner/validate/setup_of_run.h"
#include "planner/validate/spread.h"
#include "planner/validate/statistics.h"

namespace aforo::validate {

/// What is left out while the constants are fitted that predict a row.
///   none    the shipped constants predict everything
///   family  a row's family (source x GPU x model)
///   source  everything from a row's source
enum class LeaveOut { none, family, source };

struct ValidationRequest {
  std::vector<std::string> by = {"source"};  ///< columns that make a group: source, gpu, engine,
                                             ///< model, quality, precision, task, sharding
  std::vector<std::string> time_quality = {"A"};
  std::vector<std::string> memory_quality = {"A", "B-mem"};
  LeaveOut leave_out = LeaveOut::none;
};

struct Prediction {
  const Case* source = nullptr;
  fast::TimeParts time;
  double time_low = 0, time_high = 0;  ///< 80 % interval of the step time
  fast::MemoryParts memory;
  double memory_gib = 0;  ///< of the kind the source measured
  double memory_low = 0, memory_high = 0;
  double capacity_gib = 0;
  bool fits = true;  ///< what the device shows stays below what it has
};

struct RivalScore {
  std::string name, title;
  ErrorSummary errors;
};

/// Scores of one group of rows.
struct GroupScore {
  std::string key;
  int n_rows = 0;
  std::map<std::string, int> not_predictable;  ///< reason -> rows
  ErrorSummary tokens_per_s;                   ///< of predicted over measured
  double time_coverage = 0;                    ///< share of measured times within the interval
  ErrorSummary memory;
  double memory_coverage = 0;
  int oom_rows = 0, oom_caught = 0;
  int fit_rows = 0, fit_passed = 0;
  std::vector<RivalScore> rivals;   ///< times
  ErrorSummary korthikanti_memory;  ///< 16-18 bytes a parameter and Korthikanti's activations
};

struct Validation {
  std::vector<GroupScore> groups;  ///< sorted by key
  GroupScore all;
  LeaveOut leave_out = LeaveOut::none;
  std::vector<std::string> by;
};

/// Predictions of all cases; rows with a problem get none (source stays null).
std::vector<Prediction> predict_all(const std::deque<Case>& cases,
                                    const ValidationRequest& request);

Validation validate_runs(const std::deque<Case>& cases, const ValidationRequest& request);

/// The value of a column that `by` may name; InputError for any other.
std::string group_value(const Case& c, const std::string& column);

}  // namespace aforo::validate
