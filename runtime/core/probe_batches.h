#pragma once
// Probes that share one program.

#include <vector>

#include "runtime/core/probe_grid.h"

namespace aforo {

struct ProbeBatch {
  std::string what;
  double share = 0;  ///< of the time of the whole calibration
  ProbeLayout layout = ProbeLayout::apart;
  std::vector<Probe> probes;
  std::vector<int> copies;  ///< per probe
};

/// Operands that are met again after this much memory has passed are cold: twice the last-level
/// cache, at least 64 MiB and at most 256 MiB.
Bytes cold_bytes();

/// Cuts groups into batches, and copies their probes until a batch exceeds cold_bytes. Leaves out
/// probes whose operands exceed `most_bytes`.
std::vector<ProbeBatch> probe_batches(const std::vector<ProbeGroup>& groups, Bytes most_bytes);

}  // namespace aforo
