#pragma once
// One layout in full: time and memory by part with their intervals, money, the limiting term, and
// the formulas with the numbers in them.

#include <string>
#include <vector>

#include "planner/fast/memory.h"
#include "planner/fast/ranges.h"
#include "planner/fast/time.h"
#include "planner/simulate/simulate.h"
#include "planner/spec/job.h"

namespace aforo {

struct LayoutEstimate {
  fast::TimeParts time;
  Interval step_time;  ///< seconds, 80 %
  Interval tokens_per_second;
  Interval hours;  ///< of the whole job
  Interval device_hours;
  fast::MemoryParts memory;
  Interval memory_bytes;  ///< what the device shows, 80 %
  double capacity = 0;    ///< bytes
  Verdict verdict = Verdict::fits;
  std::string limited_by;         ///< "products 61 %, gradient reduction 22 %"
  std::string memory_limited_by;  ///< "activations 48 %, optimizer states 31 %"
  double mfu_causal = 0, mfu_full = 0, hfu = 0;
  int n_time_rows = 0;  ///< published runs of this engine that the interval was learned from
};

struct NamedPart {
  const char* name;
  double value;
};
/// Seconds and bytes by name, in the order they are explained; zeros included.
std::vector<NamedPart> named(const fast::TimeParts& time);
std::vector<NamedPart> named(const fast::MemoryParts& memory);

LayoutEstimate estimate_layout(const TrainingJob& job, const fast::Setup& setup,
                               const fast::Cluster& cluster, const fast::EngineSpec& engine,
                               const fast::Constants& constants,
                               const fast::PublishedRanges& ranges);

/// One line of the derivation: "micro-steps a step", "64 / (2 x 8) = 4".
struct Derivation {
  std::string name, text;
};
/// How the estimate comes about, line by line, with the numbers in the formulas.
std::vector<Derivation> derive(const fast::Setup& setup, const fast::Cluster& cluster,
                               const fast::EngineSpec& engine, const fast::Constants& constants,
                               const LayoutEstimate& estimate);

}  // namespace aforo
