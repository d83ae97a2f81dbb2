#include "planner/fast/offload_time.h"

#include <algorithm>

namespace aforo::fast {
namespace {

double on_drives(const Setup& setup, const Cluster& cluster, double states) {
  return setup.offload_states == OffloadTo::nvme ? 2 * states / cluster.nvme_bandwidth : 0;
}

/// The device updates: states come to it and go back.
double paged(const Setup& setup, const Cluster& cluster, const Rates& rates, double trained) {
  const StateBytes& s = setup.states;
  const double link = trained * 2 * (s.master + s.states) / rates[Rate::host_link];
  return std::max(link, on_drives(setup, cluster, trained * (s.master + s.states)));
}

}  // namespace

double activation_offload(const Setup& setup, const Rates& rates, double moved, double compute) {
  return setup.grad_accum() * std::max(0.0, moved / rates[Rate::host_link] - compute);
}

double state_offload(const Setup& setup, const Cluster& cluster, const Rates& rates, double trained,
                     double backward) {
  if (setup.offload_states == OffloadTo::none) return 0;
  if (!setup.host_optimizer) return paged(setup, cluster, rates, trained);
  const StateBytes& s = setup.states;
  const double states = trained * (s.master + s.states);
  const double down =
      setup.grad_accum() * std::max(0.0, trained * s.gradient / rates[Rate::host_link] - backward);
  // An update reads gradient and states and writes states and the 16-bit weights.
  const double update = (2 * states + trained * (4 + s.weight)) / cluster.host_memory_bandwidth;
  const double up = trained * s.weight / rates[Rate::host_link];
  return down + std::max(update, on_drives(setup, cluster, states)) + up;
}

}  // namespace aforo::fast
