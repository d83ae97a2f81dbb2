#pragma once
// (program, cost model) -> estimate: seconds, bytes, dollars.

#include <optional>
#include <string>
#include <vector>

#include "planner/base/interval.h"
#include "planner/program/program.h"
#include "planner/program/trace.h"
#include "planner/simulate/cost_model.h"
#include "planner/spec/job.h"
#include "planner/spec/plan.h"

namespace aforo {

/// fits: at least 8 % of the device stay free.  tight: fits, with less than that.  too_big: does
/// not fit.
enum class Verdict { fits, tight, too_big };
std::string_view name_of(Verdict verdict);
constexpr double tight_headroom = 0.08;

/// Time of all ops of one kind and phase in one step.
struct TimeShare {
  std::string op;  ///< "gemm", "attention_backward"...
  Phase phase;
  Seconds time;      ///< per step, repeats included
  double flops = 0;  ///< per step
  double bytes = 0;
  int n_ops = 0;  ///< launches per step
};

struct Estimate {
  Trace trace;
  Interval step_time;  ///< seconds
  Interval tokens_per_second;
  double hardware_flops = 0;     ///< per step: everything executed, recomputation included
  double model_flops_six_n = 0;  ///< per step, each convention (see FlopsPerToken)
  double model_flops_causal = 0;
  double model_flops_full = 0;
  double mfu_causal = 0;  ///< model FLOPs / (time * peak)
  double mfu_full = 0;
  double hfu = 0;
  Interval hours;         ///< of the whole job, all steps, without evaluation
  Interval device_hours;  ///< hours * devices
  Bytes memory;           ///< arena (of all ranks on the device) + overhead, per device
  Bytes overhead;         ///< see CostModel::overhead
  Bytes capacity;
  Verdict verdict = Verdict::fits;
  std::string
      limited_by;  ///< the term that takes most of the step: "compute 71 %", "memory 24 %" ...
  std::string memory_limited_by;  ///< the largest role at the peak
  std::vector<TimeShare> shares;  ///< longest first
};

Estimate simulate(const StepProgram& program, const TrainingJob& job, const Plan& plan,
                  const CostModel& model);

/// Memory of one device: the arenas of its ranks, and what lies outside them once.
Bytes device_memory(const StepProgram& program, const CostModel& model, Dtype compute);

/// Cost of `hours` on `n_devices` at `price` per device and hour.
Interval cost(const Interval& device_hours, DollarsPerHour price_per_device);

}  // namespace aforo
