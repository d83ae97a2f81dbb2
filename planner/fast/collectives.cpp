#include "planner/fast/collectives.h"

#include <algorithm>
#include <cmath>

namespace aforo::fast {
namespace {

/// How a group lies on the nodes.
struct Spread {
  double per_node;  ///< ranks of the group in one node
  double nodes;
};

Spread spread_of(Group group, const Cluster& cluster) {
  const double per_node = std::clamp(static_cast<double>(cluster.per_node) / group.stride, 1.0,
                                     static_cast<double>(group.size));
  return {per_node, std::ceil(group.size / per_node)};
}

double latency(Group group, const Spread& spread, const Rates& rates) {
  const double inside = spread.per_node > 1 ? rates[Rate::latency_intra] : 0;
  const double across =
      spread.nodes > 1 ? rates[Rate::latency_inter] * (std::log2(static_cast<double>(group.size)))
                       : 0;
  return inside + across;
}

}  // namespace

double gather_time(double bytes, Group group, const Cluster& cluster, const Rates& rates) {
  if (group.size <= 1) return 0;
  const Spread spread = spread_of(group, cluster);
  double time = 0;
  if (spread.per_node > 1)
    time = bytes * (spread.per_node - 1) / spread.per_node / rates[Rate::intra];
  if (spread.nodes > 1) {
    // A node's NICs together bring in what its ranks lack; ranks that are alone in their node for
    // this group have one NIC, which stride - 1 other groups do not touch.
    const double nics = spread.per_node;
    time = std::max(time, bytes * (spread.nodes - 1) / spread.nodes / (nics * rates[Rate::inter]));
  }
  return time + latency(group, spread, rates);
}

double all_to_all_time(double bytes, Group group, const Cluster& cluster, const Rates& rates) {
  if (group.size <= 1) return 0;
  const Spread spread = spread_of(group, cluster);
  const double inside = (spread.per_node - 1) / group.size;
  const double across = (group.size - spread.per_node) / group.size;
  return std::max(bytes * inside / rates[Rate::intra], bytes * across / rates[Rate::inter]) +
         latency(group, spread, rates);
}

double send_time(double bytes, int stride, const Cluster& cluster, const Rates& rates) {
  const bool inside = stride < cluster.per_node;
  return bytes / rates[inside ? Rate::intra : Rate::inter] +
         rates[inside ? Rate::latency_intra : Rate::latency_inter];
}

}  // namespace aforo::fast
