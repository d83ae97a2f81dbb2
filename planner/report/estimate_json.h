#pragma once
// The same facts as estimate_report.h, as JSON. docs/formats.md lists the keys.

#include <string>

#include "planner/base/json.h"
#include "planner/report/estimate_report.h"

namespace aforo {

std::string estimate_json(const TrainingJob& job, const Plan& plan, const StepProgram& program,
                          const Estimate& estimate, const DeviceLine& device);

/// One plan as an object, for lists of candidates: precision, recompute, micro_batch_size, dp,
/// grad_accum.
void write_plan_json(JsonWriter& json, const TrainingJob& job, const Plan& plan);

/// {"low": ..., "mid": ..., "high": ...}
void write_interval_json(JsonWriter& json, std::string_view key, const Interval& interval);

}  // namespace aforo
