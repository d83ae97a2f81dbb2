#include "planner/search/phases.h"

#include <algorithm>

#include "planner/fast/pipeline_stage.h"
#include "planner/fast/weight_counts.h"

namespace aforo {
namespace {

using fast::MemoryParts;

/// Of all devices together: elements of the model and those that are trained.
struct Elements {
  double all = 0, trained = 0;
};
Elements elements_of(fast::Setup setup, const fast::MemoryStyle& style) {
  setup.parallel = {};
  const fast::StageWeights w = stage_weights(setup, style, fast::pipeline_stage(setup, 0));
  return {w.all(), setup.method == Method::full ? w.all() : w.adapters};
}

class LayoutPhases {
 public:
  LayoutPhases(const fast::Setup& setup, const fast::Cluster& cluster,
               const fast::EngineSpec& engine, const LayoutEstimate& e)
      : setup_(setup),
        p_(setup.parallel),
        cluster_(cluster),
        engine_(engine),
        e_(e),
        memory_(fast::memory_phases(setup, engine)),
        elements_(elements_of(setup, engine.style(setup.style))) {}

  std::vector<PhaseCost> run() const {
    const fast::TimeParts& t = e_.time;
    const double update = std::min(t.step, t.optimizer + t.fixed + state_traffic());
    const double forward = t.forward_share * forward_base();
    std::vector<PhaseCost> out{load()};
    out.push_back(phase("forward", "step", forward, memory_.forward));
    out.push_back(phase("backward", "step", t.step - update - forward, memory_.backward));
    out.push_back(phase("optimizer step", "step", update, memory_.update));
    out.push_back(phase("first step", "run", t.step, first_step()));
    out.push_back(phase("steady step", "step", t.step, e_.memory));
    out.push_back(phase("evaluation", "evaluation", forward, memory_.evaluation));
    out.push_back(saving());
    return out;
  }

 private:
  /// Native's own figure is its arena, which the account of phases may exceed.
  PhaseCost phase(const char* name, const char* per, double seconds, const MemoryParts& m) const {
    return {name, per, seconds, std::min(m.device(), e_.memory.device()), m.host, disk(m)};
  }
  double disk(const MemoryParts& m) const { return m.disk * cluster_.n_devices; }

  double state_traffic() const {
    return setup_.offload_states == OffloadTo::none ? 0 : e_.time.offload;
  }

  /// Seconds of which forward_share is forward: micro-steps, with gathered weights if there are
  /// any.
  double forward_base() const {
    const fast::TimeParts& t = e_.time;
    const double exchange = shards_weights(p_.sharding) ? t.dp : 0;
    return t.products + t.attention + t.passes + t.recompute + t.head + t.host + t.bubble + t.tp +
           t.cp + t.ep + t.pp + exchange;
  }

  /// Ranks of one machine that read the same weights.
  double readers() const {
    if (shards_weights(p_.sharding)) return 1;
    const double shards = static_cast<double>(p_.tp) * p_.pp;
    const double here = std::min(cluster_.per_node, cluster_.n_devices);
    return std::max(1.0, here / shards);
  }

  PhaseCost load() const {
    const double shards = static_cast<double>(p_.tp) * p_.pp *
                          (shards_weights(p_.sharding) ? static_cast<double>(p_.dp) * p_.cp : 1);
    const double bytes = 2 * elements_.all / shards;
    PhaseCost cost =
        phase("load", "run", bytes / (readers() * cluster_.nvme_bandwidth), memory_.load);
    cost.host = std::max(bytes, memory_.load.host);
    cost.disk = 2 * elements_.all;
    return cost;
  }

  MemoryParts first_step() const {
    if (!engine_.lazy_states) return e_.memory;
    const auto without_states = [](MemoryParts m) {
      m.optimizer_states = 0;
      return m;
    };
    MemoryParts best = memory_.update;
    for (const MemoryParts& m : {without_states(memory_.forward), without_states(memory_.backward)})
      if (m.device() > best.device()) best = m;
    return best;
  }

  PhaseCost saving() const {
    const fast::StateBytes& s = setup_.states;
    const double bytes = elements_.trained * (s.weight + s.master + s.states);
    const double replicas = static_cast<double>(p_.dp) * p_.cp;
    const double writers =
        shards_states(p_.sharding) ? cluster_.n_devices : cluster_.n_devices / replicas;
    const double share = bytes / std::max(1.0, writers);
    PhaseCost cost{"saving", "checkpoint", share / cluster_.nvme_bandwidth};
    const MemoryParts& between = memory_.load;  // weights and states, between two steps
    cost.device = std::min(e_.memory.device(),
                           between.device() + e_.memory.master + e_.memory.optimizer_states);
    cost.host = share + e_.memory.host;
    cost.disk = bytes;
    return cost;
  }

  const fast::Setup& setup_;
  const Parallelism& p_;
  const fast::Cluster& cluster_;
  const fast::EngineSpec& engine_;
  const LayoutEstimate& e_;
  fast::MemoryPhases memory_;
  Elements elements_;
};

double seconds_of(const Estimate& estimate, Phase phase) {
  double sum = 0;
  for (const TimeShare& share : estimate.shares)
    if (share.phase == phase) sum += share.time.value;
  return sum;
}

}  // namespace

std::vector<PhaseCost> phases_of(const fast::Setup& setup, const fast::Cluster& cluster,
                                 const fast::EngineSpec& engine, const LayoutEstimate& estimate) {
  return LayoutPhases(setup, cluster, engine, estimate).run();
}

std::vector<PhaseCost> phases_of(const StepProgram& program, const Estimate& estimate) {
  const MemoryPlan& memory = program.memory;
  const double outside = static_cast<double>(estimate.overhead.value);
  const double drives = fast::Cluster{}.nvme_bandwidth;
  const auto kept = [&](Role role) {
    return static_cast<double>(memory.persistent_by_role[static_cast<int>(role)].value);
  };
  const auto peak = [&](Phase phase) {
    return static_cast<double>(memory.peak_of_phase[static_cast<int>(phase)].value) + outside;
  };
  const double weights = kept(Role::weight);
  const double saved = weights + kept(Role::master) + kept(Role::optimizer_state);
  const double backward_peak = std::max(peak(Phase::backward), peak(Phase::recompute));
  const double forward = seconds_of(estimate, Phase::forward);
  const double optimizer = seconds_of(estimate, Phase::optimizer);
  const double step = estimate.step_time.mid;
  const double all = static_cast<double>(memory.arena.value) + outside;
  // The arena is there from the start: native's first step needs what every step needs.
  return {{"load", "run", weights / drives, all, weights, weights},
          {"forward", "step", forward, peak(Phase::forward), 0, 0},
          {"backward", "step", std::max(0.0, step - forward - optimizer), backward_peak, 0, 0},
          {"optimizer step", "step", optimizer, peak(Phase::optimizer), 0, 0},
          {"first step", "run", step, all, 0, 0},
          {"steady step", "step", step, all, 0, 0},
          {"evaluation", "evaluation", forward, peak(Phase::evaluate), 0, 0},
          {"saving", "checkpoint", saved / drives, all, saved, saved}};
}

}  // namespace aforo
