#pragma once
// Whole published trainings against predictions, for people and programs.

#include <string>
#include <vector>

#include "planner/validate/whole_runs.h"

namespace aforo {

/// Every run with its hours, then the errors of those of quality A and B, then what could not be
/// predicted and why.
std::string whole_runs_text(const std::vector<validate::WholeRunPrediction>& predictions);

/// schema_version 1: runs (model, gpu, n_devices, published_device_hours, predicted_device_hours,
/// layout, assumptions; problem in place of the last four), errors, within_15_percent.
std::string whole_runs_json(const std::vector<validate::WholeRunPrediction>& predictions);

}  // namespace aforo
