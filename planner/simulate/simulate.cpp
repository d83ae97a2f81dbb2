#include "planner/simulate/simulate.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace aforo {
namespace {

Interval around(double mid, const Spread& spread) {
  return {mid * (1 - spread.below), mid, mid * (1 + spread.above)};
}

/// x per y: the interval turns around.
Interval inverse(double numerator, const Interval& y) {
  return {numerator / y.high, numerator / y.mid, numerator / y.low};
}

Interval scaled(const Interval& x, double factor) {
  return {x.low * factor, x.mid * factor, x.high * factor};
}

struct Walk {
  Trace trace;
  double flops = 0;
  std::map<std::pair<std::string_view, Phase>, TimeShare> shares;
  std::map<std::string_view, double> limits;  ///< seconds by limiting term
};

/// All sections once, op by op; a section counts as often as it repeats.
Walk walk(const StepProgram& program, const CostModel& model) {
  Walk result;
  result.trace.spans.reserve(program.ops.size());
  result.trace.step_time = model.step_overhead();
  for (const Section& section : program.sections) {
    const double repeat = static_cast<double>(section.repeat);
    for (int i = section.begin; i < section.end; ++i) {
      const Op& op = program.ops[i];
      const OpTime time = model.op_time(program, op);
      result.trace.spans.push_back({i, time.time, time.limited_by});
      if (section.repeat == 0) continue;
      const Cost cost = cost_of(program, op);
      result.trace.step_time += time.time * repeat;
      result.flops += cost.flops * repeat;
      result.limits[time.limited_by] += time.time.value * repeat;
      TimeShare& share = result.shares[{name_of(op), op.label.phase}];
      share.time += time.time * repeat;
      share.flops += cost.flops * repeat;
      share.bytes += cost.bytes * repeat;
      share.n_ops += static_cast<int>(section.repeat);
    }
  }
  return result;
}

std::vector<TimeShare> sorted_shares(const Walk& walk) {
  std::vector<TimeShare> shares;
  for (const auto& [key, share] : walk.shares) {
    shares.push_back(share);
    shares.back().op = key.first;
    shares.back().phase = key.second;
  }
  std::stable_sort(shares.begin(), shares.end(),
                   [](const TimeShare& a, const TimeShare& b) { return a.time > b.time; });
  return shares;
}

std::string largest_limit(const Walk& walk) {
  const auto most =
      std::max_element(walk.limits.begin(), walk.limits.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == walk.limits.end()) return "nothing";
  return fmt::format("{} {:.0f} %", most->first, 100 * most->second / walk.trace.step_time.value);
}

std::string largest_role(const MemoryPlan& memory) {
  const auto most = std::max_element(memory.at_peak.begin(), memory.at_peak.end());
  return std::string(name_of(static_cast<Role>(most - memory.at_peak.begin())));
}

Verdict verdict_of(Bytes memory, Bytes capacity) {
  if (memory > capacity) return Verdict::too_big;
  const double free = 1 - memory / capacity;
  return free < tight_headroom ? Verdict::tight : Verdict::fits;
}

}  // namespace

std::string_view name_of(Verdict verdict) {
  constexpr std::string_view names[] = {"fits", "tight", "too big"};
  return names[static_cast<int>(verdict)];
}

Estimate simulate(const StepProgram& program, const TrainingJob& job, const Plan& plan,
                  const CostModel& model) {
  Walk walked = walk(program, model);
  Estimate estimate;
  estimate.shares = sorted_shares(walked);
  estimate.limited_by = largest_limit(walked);
  estimate.memory_limited_by = largest_role(program.memory);
  estimate.trace = std::move(walked.trace);

  const double tokens = static_cast<double>(job.tokens_per_step());
  const double seconds = estimate.trace.step_time.value;
  estimate.step_time = around(seconds, model.spread());
  estimate.tokens_per_second = inverse(tokens, estimate.step_time);
  estimate.hours = scaled(estimate.step_time, static_cast<double>(job.n_steps()) / 3600.0);
  const int n_devices = model.n_devices(plan.parallel.dp);
  estimate.device_hours = scaled(estimate.hours, n_devices);

  const FlopsPerToken per_token = flops_per_token(job.model, job.seq_len);
  estimate.hardware_flops = walked.flops * plan.parallel.dp;
  estimate.model_flops_six_n = per_token.six_n * tokens;
  estimate.model_flops_causal = per_token.causal * tokens;
  estimate.model_flops_full = per_token.full_square * tokens;
  const double peak = model.peak(recipe_of(plan.precision).compute).value * n_devices;
  estimate.mfu_causal = estimate.model_flops_causal / (seconds * peak);
  estimate.mfu_full = estimate.model_flops_full / (seconds * peak);
  estimate.hfu = estimate.hardware_flops / (seconds * peak);

  estimate.overhead = model.overhead(recipe_of(plan.precision).compute);
  estimate.capacity = model.capacity();
  estimate.memory = device_memory(program, model, recipe_of(plan.precision).compute);
  estimate.trace.arena = program.memory.arena;
  estimate.trace.process = estimate.memory;
  estimate.verdict = verdict_of(estimate.memory, estimate.capacity);
  return estimate;
}

Bytes device_memory(const StepProgram& program, const CostModel& model, Dtype compute) {
  const int ranks_per_device = program.n_ranks / model.n_devices(program.n_ranks);
  return program.memory.arena * ranks_per_device + model.overhead(compute);
}

Interval cost(const Interval& device_hours, DollarsPerHour price_per_device) {
  return scaled(device_hours, price_per_device.value);
}

}  // namespace aforo
