// Which of two plans is better, and which plans no other beats in time and money.

#include <algorithm>
#include <tuple>

#include "planner/search/lattice_walk.h"

namespace aforo {

bool better(const LatticePlan& a, const LatticePlan& b, Objective objective) {
  if (objective == Objective::money && a.usd != b.usd) return a.usd < b.usd;
  const auto key = [](const LatticePlan& plan) {
    const fast::Setup& s = plan.setup;
    const Parallelism& p = s.parallel;
    return std::tuple(plan.step_s, plan.memory, plan.n_devices, s.matrix, p.tp, p.pp, p.vpp, p.cp,
                      p.ep, p.sharding, s.micro_batch_size, s.recompute.full_layers,
                      s.recompute.norm, s.offload_states, s.offload_activations,
                      p.pipeline_schedule, p.first_stage_layers, p.last_stage_layers);
  };
  return key(a) < key(b);
}

void keep_on_front(std::vector<LatticePlan>& front, const LatticePlan& plan) {
  const auto device_seconds = [](const LatticePlan& p) { return p.step_s * p.n_devices; };
  const auto dominates = [&](const LatticePlan& a, const LatticePlan& b) {
    if (a.step_s > b.step_s || device_seconds(a) > device_seconds(b)) return false;
    const bool same = a.step_s == b.step_s && device_seconds(a) == device_seconds(b);
    return !same || better(a, b, Objective::time);
  };
  for (const LatticePlan& other : front)
    if (dominates(other, plan)) return;
  std::erase_if(front, [&](const LatticePlan& other) { return dominates(plan, other); });
  front.push_back(plan);
}

}  // namespace aforo
