#pragma once
// Times a backend's kernels, so that the planner can predict the step time of any program on it.

#include <functional>
#include <string>

#include "planner/spec/hardware.h"
#include "runtime/core/backend.h"

namespace aforo {

struct CalibrateOptions {
  std::string name = "this-machine";  ///< of the calibration
  double seconds = 45;                ///< to spend about; a slow machine takes somewhat longer
  /// Called often with the share done, in [0, 1], and what is being timed.
  std::function<void(double done, const std::string& what)> on_progress;
  /// Called at the end if timings did not settle: the machine was busy with something else.
  std::function<void(const std::string& what)> on_warning;
};

/// Every kind of op, timed as it runs in a step: through Executor::run_profiled, on operands that
/// other ops have driven out of the caches, but for the one that the op before has just written.
/// The median of several runs counts, and the faster of two rounds; what the rounds disagree on is
/// timed again. See probe_grid.h for which sizes. The rest: copy_bandwidth of a large cast, read
/// and write counted; op_overhead of a fill of one element; process_overhead: resident memory
/// beside the arena by compute type, with every kind of kernel of the type loaded; memory: what is
/// free now, this process included.
Calibration calibrate(Backend& backend, const CalibrateOptions& options);

}  // namespace aforo
