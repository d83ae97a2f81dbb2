#pragma once
// Time of collectives by the tier their group spans.

#include "planner/fast/cluster.h"
#include "planner/fast/rates.h"

namespace aforo::fast {

/// A group of `size` ranks, `stride` devices apart (stride 8 on 8-device nodes: one rank a node).
struct Group {
  int size = 1;
  int stride = 1;
};

/// All-gather (or reduce-scatter) that leaves `bytes` on each rank (takes `bytes` from each).
/// Inside a node: (n-1)/n bytes at the node's bandwidth. Across nodes the ranks that share a node
/// share its NICs: (nodes-1)/nodes bytes over (ranks a node) NICs.
double gather_time(double bytes, Group group, const Cluster& cluster, const Rates& rates);

inline double all_reduce_time(double bytes, Group group, const Cluster& cluster,
                              const Rates& rates) {
  return 2 * gather_time(bytes, group, cluster, rates);
}

/// Each rank sends bytes / size to every other.
double all_to_all_time(double bytes, Group group, const Cluster& cluster, const Rates& rates);

/// One message to the neighbour `stride` devices away.
double send_time(double bytes, int stride, const Cluster& cluster, const Rates& rates);

}  // namespace aforo::fast
