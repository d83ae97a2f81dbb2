#pragma once
// Seconds of one op of a lowered program: the formulas that price layers, applied to native's ops.

#include <array>

#include "planner/fast/collectives.h"
#include "planner/fast/kernels.h"
#include "planner/program/program.h"

namespace aforo::fast {

/// `limited_by`: "compute", "memory", "launch" or "link".
struct OpSeconds {
  double time = 0;
  const char* limited_by = "";
};

/// Prices the ops of native's programs, which run as captured graphs:
///   products    max(flops / saturated rate, declared bytes / memory rate) + gap
///   attention   flops / (share of the product rate, half at half_seq keys) + gap
///   collectives as in collectives.h, alone on their links
///   passes      declared bytes / memory rate + gap
/// The bytes are exact, so no factor for fusion applies.
class OpTimer {
 public:
  OpTimer(const Cluster& cluster, const Rates& rates);
  OpTimer(const OpTimer&) = delete;
  OpTimer& operator=(const OpTimer&) = delete;

  OpSeconds op_time(const StepProgram& program, const Op& op) const;

  /// Of a step, outside its ops: data, logging, synchronisation. A captured graph leaves less.
  double step_overhead() const { return graph_fixed_share * rates_[Rate::step_fixed]; }

 private:
  OpSeconds sum(double compute, double memory) const;
  OpSeconds collective(double bytes, int rounds, Group group) const;
  const Kernels& kernels_for(Dtype type) const;

  Cluster cluster_;
  Rates rates_;
  std::array<Kernels, 3> kernels_;  ///< fp32, fp16, bf16
};

}  // namespace aforo::fast
