#pragma once
// Traces for chrome://tracing and ui.perfetto.dev: predicted and measured ops as two processes of
// one file, and the memory that is live.

#include <string>
#include <vector>

#include "planner/program/program.h"
#include "planner/report/comparison.h"
#include "planner/simulate/simulate.h"

namespace aforo {

/// One op on one line of time.
struct TracedOp {
  std::string label, kind, phase;  ///< "bwd L03 mlp.up", "gemm", "backward"
  double predicted_us = 0;         ///< of one run
  double measured_us = 0;          ///< 0: was not measured
};

/// Ops of every section that runs in a step, once each, in program order.
std::vector<TracedOp> traced_ops(const StepProgram& program, const Estimate& estimate);
std::vector<TracedOp> traced_ops(const Comparison& comparison);

/// JSON of the Trace Event Format: complete events on one thread per process, names as metadata.
/// With a program, also a counter of live bytes by role; then ops must be those of the program.
std::string chrome_trace(const std::vector<TracedOp>& ops, const StepProgram* program);

}  // namespace aforo
