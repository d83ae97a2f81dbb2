#pragma once
// The devices a setup runs on and what connects them.

#include "planner/spec/hardware.h"

namespace aforo::fast {

/// Bandwidths are bytes per second of one device, one direction.
struct Cluster {
  const AcceleratorSpec* accelerator = nullptr;
  int n_devices = 1;
  int per_node = 8;            ///< devices that the fast links join
  double intra_bandwidth = 0;  ///< inside a node, as ring collectives reach it
  double inter_bandwidth = 0;  ///< between nodes, as the data sheet has it
  bool inter_stated = true;    ///< false: the figure of the usual machine stands in
  int n_slices = 1;
  double nvme_bandwidth = 3e9;          ///< of one device's share of local drives, one direction
  double host_memory_bandwidth = 14e9;  ///< of one device's share, reads and writes together
};

}  // namespace aforo::fast
