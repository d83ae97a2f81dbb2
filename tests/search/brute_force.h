#pragma once
// Every legal plan of a lattice, evaluated one by one: what the search must find the best of.

#include <functional>

#include "planner/search/divisors.h"
#include "planner/search/lattice.h"

namespace aforo::brute {

inline bool is_legal(const fast::Setup& s, const fast::Cluster& cluster, int n_devices) {
  const Parallelism& p = s.parallel;
  const ModelSpec& m = *s.model;
  const int layers = m.n_layers, width = m.mlp.d_ff > 0 ? m.mlp.d_ff : m.moe.d_ff;
  if (p.world_size() != n_devices) return false;
  const int kv = m.attention.n_kv_heads;
  if (m.attention.n_heads % p.tp != 0 || width % p.tp != 0) return false;
  if (kv % p.tp != 0 && p.tp % kv != 0) return false;
  if (p.cp > 1 && s.seq_len / p.cp < 1024) return false;
  if (p.pp > layers) return false;
  if (!p.uneven_stages() && layers % p.pp != 0 && (layers + 2) % p.pp != 0) return false;
  if (p.uneven_stages() && (p.vpp > 1 || !stage_problem(p, layers).empty())) return false;
  if (p.pipeline_schedule != PipelineSchedule::one_f_one_b && (p.pp == 1 || p.vpp > 1))
    return false;
  if (s.global_batch_size % (s.micro_batch_size * p.dp) != 0) return false;
  if (p.vpp > 1 && (p.pp == 1 || layers % (p.pp * p.vpp) != 0 || s.grad_accum() % p.pp != 0))
    return false;
  if (p.ep > 1 && (m.moe.n_experts % p.ep != 0 || p.dp * p.cp * p.tp % p.ep != 0)) return false;
  if (p.sharding == Sharding::ddp) return true;
  if (p.dp * p.cp == 1 || (shards_gradients(p.sharding) && p.pp > 1)) return false;
  return p.sharding != Sharding::hsdp || n_devices > cluster.per_node;
}

inline std::vector<int> degrees(bool supported, int n) {
  return supported ? divisors(n) : std::vector<int>{1};
}

/// Calls `visit` with every legal plan; memory and time are those of the fast evaluation.
inline void for_each_plan(const LatticeRequest& request,
                          const std::function<void(const LatticePlan&)>& visit) {
  const fast::EngineSupport& can = request.engine->supports;
  const LatticeSpace& space = request.space;
  for (int n : space.n_devices) {
    fast::Cluster cluster = request.cluster;
    cluster.n_devices = n;
    const fast::Rates rates =
        fast::rate_recipe(*request.constants, cluster, *request.engine).rates(*request.constants);
    const int layers = request.base.model->n_layers;
    const auto evaluate = [&](fast::Setup s) {
      for (int full = 0; full <= (space.full_recompute ? layers : 0); ++full) {
        s.recompute.full_layers = full;
        LatticePlan plan{s, n, 0, 0, 0, 0, 0};
        plan.memory = fast::memory_parts(s, *request.engine).device();
        plan.step_s = fast::time_parts(s, cluster, rates).step;
        const double steps = request.n_tokens / static_cast<double>(s.tokens_per_step());
        plan.hours = steps * plan.step_s / 3600;
        plan.usd = plan.hours * n * request.usd_per_device_hour;
        visit(plan);
      }
    };
    const auto offloads = [&](fast::Setup s) {
      for (OffloadTo states : {OffloadTo::none, OffloadTo::cpu, OffloadTo::nvme})
        for (bool activations : {false, true}) {
          if (states != OffloadTo::none && !(space.offload_states && can.offload_states)) continue;
          if (states == OffloadTo::nvme && !can.offload_nvme) continue;
          if (activations && !(space.offload_activations && can.offload_activations)) continue;
          s.offload_states = states;
          s.offload_activations = activations ? OffloadTo::cpu : OffloadTo::none;
          evaluate(s);
        }
    };
    const auto layouts = [&](fast::Setup s, const Parallelism& p) {
      s.parallel = p;
      s.parallel.sequence_parallel = p.tp > 1;
      for (Sharding sharding : can.shardings)
        for (int micro_batch : divisors(s.global_batch_size))
          for (bool selective : {false, true}) {
            s.parallel.sharding = sharding;
            s.micro_batch_size = micro_batch;
            s.recompute.norm = s.recompute.activation = selective;
            if (is_legal(s, cluster, n)) offloads(s);
          }
    };
    // Ends of at most k layers beside stages of k, for the two least k that hold all layers.
    const auto uneven = [&](const fast::Setup& s, Parallelism p) {
      const int least = (layers + p.pp - 1) / p.pp;
      for (int first = 1; first <= least + 1; ++first)
        for (int last = 1; last <= least + 1; ++last)
          for (int k = least; k <= least + 1; ++k) {
            const bool all = first + last + k * (p.pp - 2) == layers;
            if (!all || first > k || last > k || (first == k && last == k)) continue;
            p.first_stage_layers = first, p.last_stage_layers = last;
            layouts(s, p);
          }
    };
    for (fast::MatrixType type : space.types)
      for (int tp : degrees(can.tp, n))
        for (int cp : degrees(can.cp, n / tp))
          for (int ep : degrees(can.ep && request.base.model->is_moe(), n))
            for (int pp : degrees(can.pp, n / (tp * cp)))
              for (int vpp : degrees(can.interleaving, layers)) {
                fast::Setup s = request.base;
                s.matrix = type;
                Parallelism p;
                p.tp = tp, p.cp = cp, p.ep = ep, p.pp = pp, p.vpp = vpp;
                p.dp = n / (tp * cp * pp);
                for (PipelineSchedule schedule : can.schedules) {
                  p.pipeline_schedule = schedule;
                  p.first_stage_layers = p.last_stage_layers = 0;
                  layouts(s, p);
                  if (can.uneven_stages) uneven(s, p);
                }
              }
  }
}

}  // namespace aforo::brute
