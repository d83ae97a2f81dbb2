#pragma once
// Predicted against measured: step time, memory, and every op, grouped as people ask.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/base/json.h"
#include "planner/program/program.h"

namespace aforo {

/// One op with both times, of one run.
struct ComparedOp {
  std::string label, op, phase;
  std::int64_t repeat = 1;  ///< runs per step; 0: only in the evaluation
  Seconds predicted, measured;
};

struct Comparison {
  Seconds predicted_step, measured_step;
  Bytes predicted_arena,
      measured_arena;  ///< measured: high-water mark from outside; 0 if it was not measured
  std::array<Bytes, n_roles> measured_kept{};  ///< of what a step keeps, by role; 0: not measured
  Bytes predicted_process, measured_process;   ///< resident memory
  double first_loss = 0, last_loss = 0, validation_loss = 0;  ///< NaN: there was none
  std::vector<ComparedOp> ops;
};

/// (measured - predicted) / predicted.
double relative_error(double predicted, double measured);

/// What lies further off than `tolerance` (0.1: 10 %): step time, arena, process. Empty: all
/// within.
std::vector<std::string> outside_tolerance(const Comparison& comparison, double tolerance);

/// Step time and memory by role; time by phase and by kind of op; the `n_ops` ops that take
/// longest.
std::string comparison_text(const Comparison& comparison, const MemoryPlan& memory, int n_ops);

void write_comparison_json(JsonWriter& json, const Comparison& comparison,
                           const MemoryPlan& memory);

}  // namespace aforo
