#pragma once
// Which ops a calibration times, at which sizes.

#include <string>
#include <vector>

#include "runtime/core/probe_program.h"

namespace aforo {

/// Probes that are timed together.
struct ProbeGroup {
  std::string what;   ///< "products bf16 nt"
  double share = 0;   ///< of the time of the whole calibration
  bool ring = false;  ///< operands may share memory with those of other probes; see ProbeLayout
  std::vector<Probe> probes;
};

/// Products of linear layers [rows, in] -> [rows, out] on a grid of rows, in and out: forward (nt),
/// gradient of the input (nn) and of the weight (tn, fp32; added to and not), for fp32 and bf16;
/// fewer for fp16. Then every other op by size and width, in types that a program has them in. Most
/// important first. Shares add up to 1.
std::vector<ProbeGroup> probe_groups();

/// One small probe of every kind of op and type: loads all kernels.
std::vector<Probe> one_of_each();

}  // namespace aforo
