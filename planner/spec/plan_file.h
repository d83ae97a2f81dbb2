#pragma once
// plan.yaml: a job and a plan in full, with the fingerprint of the program they lower to and what
// was predicted.

#include <string>
#include <vector>

#include "planner/spec/job.h"
#include "planner/spec/plan.h"

namespace aforo {

struct PlanFile {
  std::string aforo_version;
  std::string fingerprint;  ///< of the lowered program
  std::string target;       ///< backend: "cpu", "cuda"
  std::string hardware;     ///< accelerator name or path of a calibration
  TrainingJob job;
  Plan plan;
  struct Prediction {
    std::int64_t arena_bytes = 0, memory_bytes = 0;
    double step_time_low = 0, step_time = 0, step_time_high = 0;  ///< seconds
    double tokens_per_second = 0;
    double hours = 0;
    double dollars = -1;       ///< below 0: no price known
    std::string price_source;  ///< "vast community, 8 x h100-sxm, as of 2026-05-24"; may be empty
    bool operator==(const Prediction&) const = default;
  } prediction;
  std::vector<std::string> why;
  bool operator==(const PlanFile&) const = default;
};

constexpr int plan_file_version = 2;  ///< 2: parallel layouts, engine, offload, method

/// Throws InputError with place; a file of another version is refused with the way out.
PlanFile read_plan_file(const std::string& path);
PlanFile read_plan_text(const std::string& text, const std::string& name);

/// Commented, complete YAML; read_plan_text gives it back, to the last digit. Throws InputError if
/// a name or path is not UTF-8.
std::string write_plan_file(const PlanFile& file);

}  // namespace aforo
