#pragma once
// How long one op takes on one device. Two sources: an accelerator profile (spec sheet and
// constants fitted to published runs) or a calibration (what `aforo calibrate` measured on this
// machine).

#include <memory>
#include <string>

#include "planner/fast/cluster.h"
#include "planner/program/program.h"
#include "planner/spec/hardware.h"

namespace aforo {

/// `limited_by`: "compute", "memory", "launch" or "link". A calibration times ops as a whole: there
/// products and attention count as compute, every other pass as memory.
struct OpTime {
  Seconds time;
  const char* limited_by;
};

/// Share by which the true step time may differ from the prediction: an 80 % interval [mid * (1 -
/// below), mid * (1 + above)].
struct Spread {
  double below = 0;
  double above = 0;
};

class CostModel {
 public:
  virtual ~CostModel() = default;
  virtual OpTime op_time(const StepProgram& program, const Op& op) const = 0;

  /// Once a step, outside its ops: what the model adds to their sum.
  virtual Seconds step_overhead() const { return Seconds(0); }

  virtual std::string device() const = 0;
  virtual Origin origin() const = 0;
  virtual Spread spread() const = 0;
  virtual Bytes capacity() const = 0;  ///< memory of the device

  /// Devices that `n_ranks` ranks take: each its own, or all the machine that was calibrated.
  virtual int n_devices(int n_ranks) const { return n_ranks; }

  /// Memory taken beside the arena when computing in this type: context, libraries, process.
  virtual Bytes overhead(Dtype compute) const = 0;
  virtual FlopsPerSecond peak(
      Dtype compute) const = 0;  ///< dense peak (spec) or best measured product (calibration)
};

/// A card of the profiles, by the formulas and constants of the fast evaluation (op_time.h): rates
/// are data-sheet figures times constants fitted to published runs, products saturate with their
/// shape, and the native engine's step is a captured graph. Ranks lie on the nodes of `cluster` in
/// order; without one, all share a machine. Throws InputError if the accelerator has no peak for the
/// program's compute type, or no link.all_reduce where ranks need one.
std::unique_ptr<CostModel> spec_cost_model(const AcceleratorSpec& accelerator);
std::unique_ptr<CostModel> spec_cost_model(const AcceleratorSpec& accelerator,
                                           const fast::Cluster& cluster);

/// Interpolates the calibration: products in log(m), log(n), log(k) for the same type and layout,
/// passes in log(bytes) and log(width) for the same op and type. An op the calibration lacks costs
/// bytes / copy_bandwidth + op_overhead.
///
/// The calibration is of all cores. Several ranks are threads that share them: every op but its
/// overhead takes as many times as long as there are ranks, and a collective what its operands take
/// to pass through memory, at all ranks, and a wait of `thread_meeting` for each time they meet.
std::unique_ptr<CostModel> calibrated_cost_model(const Calibration& calibration);

}  // namespace aforo
