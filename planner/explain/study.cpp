#include "planner/explain/study.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "planner/fast/setup_of_job.h"
#include "planner/spec/enum_tables.h"

namespace aforo::explain {
namespace {

/// Plain training by the same engine: fp32, everything kept, every rank holds everything.
Variant plain_of(const Variant& plan) {
  Variant plain = plan;
  fast::Setup& s = plain.setup;
  fast::set_matrix(s, *plan.engine, fast::MatrixType::fp32);
  s.recompute = {};
  s.offload_states = s.offload_activations = s.offload_weights = s.offload_gradients =
      OffloadTo::none;
  const int n_devices = plan.cluster.n_devices;
  s.parallel = {};
  s.parallel.dp = n_devices;
  return plain;
}

class Ladder {
 public:
  Ladder(const Variant& plan, const World& world)
      : plan_(plan), world_(world), now_(plain_of(plan)) {
    add(fmt::format("fp32, nothing computed again{}",
                    plan.cluster.n_devices > 1 ? ", plain data parallelism" : ""));
  }

  std::vector<Rung> climb() {
    precision();
    parallelism();
    recomputation();
    states();
    offload();
    return std::move(rungs_);
  }

 private:
  void add(std::string name) { rungs_.push_back({std::move(name), evaluate(now_, world_)}); }

  void precision() {
    if (plan_.setup.matrix == fast::MatrixType::fp32) return;
    constexpr const char* names[] = {"fp32", "tf32", "fp16", "bf16", "fp8", "fp4"};
    const fast::StateBytes chosen = plan_.setup.states;
    fast::set_matrix(now_.setup, *plan_.engine, plan_.setup.matrix);
    // Fewer bytes of optimizer states are a choice of their own.
    if (chosen.states >= now_.setup.states.states) now_.setup.states = chosen;
    add(names[static_cast<int>(plan_.setup.matrix)]);
  }

  void parallelism() {
    const Parallelism& p = plan_.setup.parallel;
    Parallelism& now = now_.setup.parallel;
    if (p.tp * p.pp * p.cp * p.ep > 1) {
      const Sharding sharding = now.sharding;
      now = p;
      now.sharding = sharding;
      add(fmt::format("tp {}, pp {}, cp {}, ep {}", p.tp, p.pp, p.cp, p.ep));
    }
    if (p.sharding == now.sharding) return;
    now = p;
    add(fmt::format("sharding {}", enum_name(p.sharding)));
  }

  void recomputation() {
    const fast::RecomputeCounts& chosen = plan_.setup.recompute;
    fast::RecomputeCounts& now = now_.setup.recompute;
    if (chosen.norm || chosen.activation || chosen.attention_core) {
      now = chosen;
      now.full_layers = 0;
      add("recompute selective");
    }
    if (chosen.full_layers == 0) return;
    now = chosen;
    add(fmt::format("recompute full on {} layers", chosen.full_layers));
  }

  void states() {
    if (now_.setup.states.states == plan_.setup.states.states) return;
    now_.setup.states = plan_.setup.states;
    add(fmt::format("optimizer states of {:.3g} bytes", plan_.setup.states.states));
  }

  void offload() {
    const fast::Setup& s = plan_.setup;
    if (s.offload_states != OffloadTo::none) {
      now_.setup.offload_states = s.offload_states;
      now_.setup.offload_gradients = s.offload_gradients;
      now_.setup.offload_weights = s.offload_weights;
      add(fmt::format("optimizer states to {}", enum_name(s.offload_states)));
    }
    if (s.offload_activations == OffloadTo::none) return;
    now_.setup.offload_activations = s.offload_activations;
    add(fmt::format("activations to {}", enum_name(s.offload_activations)));
  }

  const Variant& plan_;
  const World& world_;
  Variant now_;
  std::vector<Rung> rungs_;
};

}  // namespace

FitStudy fit_study(const Variant& plan, const World& world) {
  FitStudy study;
  const ModelSpec& model = *plan.setup.model;
  for (int quarter = 1; quarter <= 32; quarter *= 2) {
    const int seq_len = plan.setup.seq_len * quarter / 4;
    if (seq_len < 1 || (model.learned_rows() > 0 && seq_len > model.learned_rows())) continue;
    study.seq_lens.push_back(seq_len);
  }
  for (int size = 1; size <= 32; size *= 2) study.micro_batch_sizes.push_back(size);
  for (const int seq_len : study.seq_lens) {
    study.cells.emplace_back();
    for (const int size : study.micro_batch_sizes) {
      Variant variant = plan;
      variant.setup.seq_len = seq_len;
      variant.setup.micro_batch_size = size;
      // At least two micro-steps, so that the gradients' account does not change with the size.
      variant.setup.global_batch_size =
          std::max(plan.setup.global_batch_size, 2 * size * plan.setup.parallel.dp);
      study.cells.back().push_back(evaluate(variant, world));
    }
  }
  return study;
}

std::vector<Rung> ladder(const Variant& plan, const World& world) {
  return Ladder(plan, world).climb();
}

std::vector<Sway> sensitivity(const Variant& plan, const World& world) {
  using Change = void (*)(AcceleratorSpec&, fast::Cluster&, double);
  struct Figure {
    const char* name;
    Change change;
  };
  constexpr Figure figures[] = {
      {"matrix rate of the card",
       [](AcceleratorSpec& card, fast::Cluster&, double factor) {
         for (auto& [type, rate] : card.peak_dense) rate = rate * factor;
       }},
      {"memory bandwidth of the card",
       [](AcceleratorSpec& card, fast::Cluster&, double factor) {
         card.memory_bandwidth = card.memory_bandwidth * factor;
       }},
      {"links inside a machine", [](AcceleratorSpec&, fast::Cluster& cluster,
                                    double factor) { cluster.intra_bandwidth *= factor; }},
      {"network between machines", [](AcceleratorSpec&, fast::Cluster& cluster,
                                      double factor) { cluster.inter_bandwidth *= factor; }},
  };
  std::vector<Sway> sways;
  const double usual = evaluate(plan, world).hours;
  for (const Figure& figure : figures) {
    const auto hours = [&](double factor) {
      AcceleratorSpec card = *plan.cluster.accelerator;
      Variant changed = plan;
      changed.cluster.accelerator = &card;
      figure.change(card, changed.cluster, factor);
      return evaluate(changed, world).hours;
    };
    const Sway sway{figure.name, hours(1 - sway_share), hours(1 + sway_share)};
    if (sway.width() > 1e-3 * usual) sways.push_back(sway);
  }
  std::stable_sort(sways.begin(), sways.end(),
                   [](const Sway& a, const Sway& b) { return a.width() > b.width(); });
  return sways;
}

}  // namespace aforo::explain
