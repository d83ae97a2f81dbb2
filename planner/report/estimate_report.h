#pragma once
// What `aforo estimate` and `aforo plan` say about one plan.

#include <optional>
#include <string>
#include <vector>

#include "planner/program/program.h"
#include "planner/simulate/simulate.h"
#include "planner/spec/job.h"
#include "planner/spec/plan.h"

namespace aforo {

/// A device as the reports name it, with its price if one is known.
struct DeviceLine {
  std::string name;  ///< "rtx-4090", "this-machine"
  int count = 1;
  Origin origin = Origin::spec;
  std::optional<DollarsPerHour> price_per_device;
  std::string price_source;  ///< "vast, community, as of 2026-08-18"
};

/// Parameters, FLOPs by convention, memory by role and phase, time by op, throughput, MFU, hours
/// and money; the limiting terms.
std::string estimate_text(const TrainingJob& job, const Plan& plan, const StepProgram& program,
                          const Estimate& estimate, const DeviceLine& device);

/// What is allowed but may surprise, such as sequences longer than the model was made for.
std::vector<std::string> notes(const TrainingJob& job);

/// One paragraph: the plan in words.
std::string plan_line(const TrainingJob& job, const Plan& plan);

/// "12.3 (9.8 to 18.4)"
std::string interval_text(const Interval& interval, int digits);

}  // namespace aforo
