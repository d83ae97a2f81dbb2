#include "planner/fast/time.h"

#include <algorithm>
#include <cmath>

#include "planner/fast/activation_bytes.h"
#include "planner/fast/collectives.h"
#include "planner/fast/native_program.h"

namespace aforo::fast {
namespace {

HeadTime head_time(const Setup& setup, const Rates& rates, const Kernels& kernels) {
  const double tokens = local_tokens(setup);
  const double vocab = static_cast<double>(setup.vocab_size()) / setup.parallel.tp;
  const double d = setup.model->d_model;
  const bool trained = setup.method == Method::full;
  const Product p{tokens, vocab, d, 1, false, false, false};
  const double products = kernels.product(p.m, p.n, p.k, p) + kernels.product(p.m, p.k, p.n, p) +
                          (trained ? kernels.product(p.n, p.k, p.m, p) : 0);
  const double passes = rates[Rate::loss_bytes] *
                        (setup.compiled ? rates[Rate::compiled_passes] : 1) / rates[Rate::memory];
  return {products + tokens * vocab * passes, vocab * d,
          2 * tokens * vocab * d * (trained ? 3 : 2)};
}

/// Puts layers, head, communication, pipeline and optimizer together.
class StepTimer {
 public:
  StepTimer(const Setup& setup, const Cluster& cluster, const Rates& rates, const Blocks& blocks)
      : setup_(setup),
        p_(setup.parallel),
        cluster_(cluster),
        rates_(rates),
        blocks_(blocks),
        counts_(layer_counts(*setup.model)),
        tokens_(local_tokens(setup)) {
    add_layers(blocks.dense_work, blocks.dense, counts_.dense);
    add_layers(blocks.moe_work, blocks.moe, counts_.moe);
  }

  TimeParts run() {
    exchange();
    pipeline();
    reduce_gradients();
    optimizer();
    finish();
    return parts_;
  }

 private:
  double data_ranks() const { return static_cast<double>(p_.dp) * p_.cp; }
  Group data_group() const { return {p_.dp * p_.cp, p_.tp}; }

  /// Sums one micro-step of the layers of a kind on an average stage.
  void add_layers(const LayerWork& work, const LayerTime& t, int n_layers) {
    if (n_layers == 0) return;
    const double n = static_cast<double>(n_layers) / p_.pp;
    const double full_share =
        static_cast<double>(std::min(setup_.recompute.full_layers, counts_.total())) /
        counts_.total();
    const double again = full_share * t.again_full + (1 - full_share) * t.again_partial;
    parts_.products += n * (t.products_f + t.products_b);
    parts_.attention += n * (t.attention_f + t.attention_b);
    parts_.passes += n * (t.passes_f + t.passes_b);
    parts_.recompute += n * again;
    weight_casts_ += n * t.weight_casts;
    forward_ += n * t.forward();
    backward_ += n * (t.backward() + again);
    flops_ += n * (t.flops_f + t.flops_b + full_share * t.flops_again);
    weights_ += n * work.weights;
    trained_ += n * work.trained;
    expert_weights_ += n * work.expert_weights;
    full_share_ = full_share;
    host_layers_ += n;
  }

  /// Communication of one micro-step that data parallelism does not cause.
  void exchange() {
    const double layers = static_cast<double>(counts_.total()) / p_.pp;
    const double d = setup_.model->d_model;
    const double message = tokens_ * d * 2;
    const double passes = 2 + full_share_;  // forward, backward, forward again
    if (p_.tp > 1) {
      const double one = gather_time(message, {p_.tp, 1}, cluster_, rates_);
      // two gathers and two scatters a pass; sequence parallelism gathers again in backward
      const double n = 4 * passes + (p_.sequence_parallel ? 2 : 0);
      tp_ = layers * n * one * rates_[Rate::tp_exposed];
    }
    if (p_.cp > 1) {
      const double kv = 2.0 * setup_.model->kv_width() / p_.tp * tokens_ * p_.cp * 2;
      const double one = gather_time(kv, {p_.cp, p_.tp}, cluster_, rates_);
      cp_ = layers * (passes + 1) * one * rates_[Rate::cp_exposed];
    }
    if (p_.ep > 1 && counts_.moe > 0) {
      // Expert groups are consecutive devices (expert tensor parallelism 1). A token goes once to
      // each rank that holds one of its experts.
      const double ranks = p_.ep, top_k = setup_.model->moe.top_k;
      const double copies = ranks * (1 - std::pow(1 - 1 / ranks, top_k));
      const double sent = message * copies / p_.tp;
      const double one = all_to_all_time(sent, {p_.ep, 1}, cluster_, rates_);
      ep_ = static_cast<double>(counts_.moe) / p_.pp * 2 * passes * one * rates_[Rate::ep_exposed];
    }
  }

  /// Host time of one micro-step, and what of it is not hidden behind `busy`.
  double host_wait(double busy) const {
    if (setup_.cuda_graphs) return 0;
    double layer = rates_[Rate::host_layer] * (setup_.compiled ? rates_[Rate::compiled_host] : 1);
    if (setup_.method != Method::full) layer *= 1.6;  // adapters are launches too
    layer *= 2.3 + full_share_;
    if (shards_weights(p_.sharding)) layer += 3 * rates_[Rate::shard_host];
    const double host = (host_layers_ + 2) * layer;
    return std::pow(std::pow(busy, 4) + std::pow(host, 4), 0.25) - busy;
  }

  /// Weights gathered and gradients scattered in every micro-step (ZeRO-3, FSDP, YaFSDP, ZeRO-2).
  void shard_traffic(double& forward, double& backward) const {
    double split = p_.sharding == Sharding::hsdp
                       ? (p_.shard_group > 0 ? p_.shard_group : cluster_.per_node)
                       : data_ranks();
    // Weights are sharded inside a TPU slice and replicated across slices.
    if (cluster_.n_slices > 1) split = std::min(split, data_ranks() / cluster_.n_slices);
    const Group group{static_cast<int>(std::min(split, data_ranks())), p_.tp};
    if (group.size <= 1 || !shards_gradients(p_.sharding)) return;
    const double elements = weights_ + blocks_.head.weights;
    const double gradient = (setup_.method == Method::full ? elements : trained_);
    const double frozen = setup_.method == Method::qlora ? setup_.frozen_bytes : 2;
    if (shards_weights(p_.sharding)) {
      const double one = gather_time(elements * frozen, group, cluster_, rates_);
      forward = one + layers_latency(group);
      backward = one + layers_latency(group);
    }
    backward += gather_time(gradient * setup_.reduce_bytes, group, cluster_, rates_) +
                layers_latency(group);
  }
  double layers_latency(Group group) const {
    return host_layers_ * (gather_time(0, group, cluster_, rates_));
  }

  void pipeline() {
    const double m = setup_.grad_accum();
    const double extra = tp_ + cp_ + ep_;
    const double f = forward_, b = backward_;
    double busy = f + b + extra;
    const double head_busy = blocks_.head.time;
    double gathered_f = 0, gathered_b = 0;
    shard_traffic(gathered_f, gathered_b);
    const double serial = rates_[Rate::shard_serial];
    const double exposed_f = exposed(f, gathered_f, serial),
                 exposed_b = exposed(b, gathered_b, serial);
    busy += exposed_f + exposed_b;
    const double slowest = slowest_stage(busy, head_busy);
    const double wait = host_wait(slowest);
    const double message = tokens_ * setup_.model->d_model * 2 / (p_.sequence_parallel ? p_.tp : 1);
    if (p_.pp > 1)
      parts_.pp = 2 * m * p_.vpp * rates_[Rate::pp_exposed] *
                  send_time(message, p_.tp * p_.cp * p_.dp, cluster_, rates_);
    parts_.bubble =
        (p_.pp - 1.0) / p_.vpp * (busy + head_busy / p_.pp) + m * (slowest - busy - head_busy);
    for (double* part : {&parts_.products, &parts_.attention, &parts_.passes, &parts_.recompute})
      *part *= m;
    parts_.passes += weight_casts_;
    parts_.head = m * head_busy;
    parts_.tp = m * tp_, parts_.cp = m * cp_, parts_.ep = m * ep_;
    parts_.host = (m + (p_.pp - 1.0) / p_.vpp) * wait;
    parts_.dp = m * (exposed_f + exposed_b);
    busy_ = busy;
    // Stages that have drained reduce while others still work.
    window_ = busy * (1 + (p_.pp - 1.0) / p_.vpp);
    parts_.hardware_flops = m * (flops_ + blocks_.head.flops / p_.pp);
    if (setup_.offload_activations != OffloadTo::none) {
      // What layers keep goes out and comes back, beside compute.
      const double kept =
          full_share_ * counts_.total() * blocks_.input_bytes +
          (1 - full_share_) * (counts_.dense * blocks_.dense_kept + counts_.moe * blocks_.moe_kept);
      const double inputs = counts_.total() * blocks_.input_bytes;
      const double moved = 2 * (setup_.offload_inputs_only ? inputs : kept) / p_.pp;
      parts_.offload += m * std::max(0.0, moved / rates_[Rate::host_link] - (f + b));
    }
  }

  /// The slowest stage has the head, or the layers that do not divide. Where they divide only with
  /// embedding and head counted as a layer each, the last stage has one layer less.
  double slowest_stage(double average, double head) const {
    if (p_.pp == 1) return average + head;
    const double n = counts_.total(), layer = average * p_.pp / n;
    if (counts_.total() % p_.pp != 0 && (counts_.total() + 2) % p_.pp == 0) {
      const double most = (n + 2) / p_.pp;
      return std::max(most * layer, (most - 1) * layer + head);
    }
    return std::max(std::ceil(n / p_.pp) * layer, average + head);
  }

  static double exposed(double compute, double traffic, double serial) {
    return std::max(compute, traffic) + serial * std::min(compute, traffic) - compute;
  }

  /// Once a step: DDP, ZeRO-1, and the replicas of HSDP.
  void reduce_gradients() {
    double time = 0;
    const double dense = weights_ - expert_weights_ + blocks_.head.weights;
    const Group group = data_group();
    const Group expert_group{std::max(1, p_.dp * p_.cp * p_.tp / p_.ep), p_.ep};
    const auto both = [&](double bytes) {
      if (setup_.method != Method::full)
        return gather_time(bytes * trained_ / std::max(1.0, weights_), group, cluster_, rates_);
      return gather_time(bytes * dense, group, cluster_, rates_) +
             gather_time(bytes * expert_weights_, expert_group, cluster_, rates_);
    };
    if (p_.sharding == Sharding::ddp) time = 2 * both(setup_.reduce_bytes);
    if (p_.sharding == Sharding::zero1) time = both(setup_.reduce_bytes) + both(2);
    if (p_.sharding == Sharding::zero2) time = both(2);
    if (p_.sharding == Sharding::hsdp) {
      const int inside = p_.shard_group > 0 ? p_.shard_group : cluster_.per_node;
      const Group across{std::max(1, p_.dp * p_.cp / inside), p_.tp * inside};
      time = 2 * gather_time(dense / inside * setup_.reduce_bytes, across, cluster_, rates_);
    }
    const double hidden = rates_[Rate::overlap_window] * window_;
    parts_.dp += std::max(rates_[Rate::dp_exposed] * time, time - hidden);
    if (cluster_.n_slices > 1) {
      const double shard = dense * setup_.reduce_bytes / (data_ranks() / cluster_.n_slices);
      const double n = cluster_.n_slices;
      const double across = 2 * shard * (n - 1) / n / rates_[Rate::slice];
      parts_.dp += std::max(rates_[Rate::dp_exposed] * across, across - hidden);
    }
  }

  void optimizer() {
    const double shards = shards_states(p_.sharding) ? data_ranks() : 1;
    const double all = setup_.method == Method::full ? weights_ + blocks_.head.weights : trained_;
    const StateBytes& s = setup_.states;
    const double bytes = 2 * s.gradient + 2 * s.master + 2 * s.states + 2;
    parts_.optimizer = all / shards * bytes * rates_[Rate::optimizer_factor] / rates_[Rate::memory];
    if (setup_.offload_states != OffloadTo::none)
      parts_.offload += all / shards * 2 * (s.master + s.states) / rates_[Rate::host_link];
    if (setup_.offload_weights != OffloadTo::none)
      parts_.offload += setup_.grad_accum() *
                        std::max(0.0, (2 * all / shards * 2) / rates_[Rate::host_link] - busy_);
  }

  void finish() {
    parts_.fixed = rates_[Rate::step_fixed] * (setup_.cuda_graphs ? graph_fixed_share : 1);
    const double sum = parts_.products + parts_.attention + parts_.passes + parts_.recompute +
                       parts_.head + parts_.host + parts_.bubble + parts_.tp + parts_.cp +
                       parts_.ep + parts_.pp + parts_.dp + parts_.optimizer + parts_.offload +
                       parts_.fixed;
    const double nodes = std::max(1.0, static_cast<double>(cluster_.n_devices) / cluster_.per_node);
    parts_.step = sum * (1 + rates_[Rate::straggler] * std::log2(nodes));
  }

  const Setup& setup_;
  const Parallelism& p_;
  const Cluster& cluster_;
  const Rates& rates_;
  const Blocks& blocks_;
  LayerCounts counts_;
  double tokens_;
  TimeParts parts_;
  double forward_ = 0, backward_ = 0, flops_ = 0;  ///< one micro-step of a stage
  double weights_ = 0, trained_ = 0, expert_weights_ = 0;
  double weight_casts_ = 0;
  double full_share_ = 0, host_layers_ = 0;
  double tp_ = 0, cp_ = 0, ep_ = 0;
  double busy_ = 0, window_ = 0;
};

}  // namespace

Blocks block_costs(const Setup& setup, const Cluster& cluster, const Rates& rates) {
  Blocks blocks;
  if (rates.native && has_program(setup)) {
    blocks.native = native_blocks(setup, cluster, rates);
    return blocks;
  }
  blocks.dense_work = layer_work(setup, false);
  if (setup.model->is_moe()) blocks.moe_work = layer_work(setup, true);
  time_blocks(setup, cluster, rates, blocks);
  const LayerActivations dense = layer_activations(setup, MemoryStyle{}, false);
  blocks.input_bytes = dense.input;
  blocks.dense_kept = dense.kept;
  if (setup.model->is_moe()) blocks.moe_kept = layer_activations(setup, MemoryStyle{}, true).kept;
  return blocks;
}

void time_blocks(const Setup& setup, const Cluster& cluster, const Rates& rates, Blocks& blocks) {
  if (blocks.native) {
    blocks.native = native_blocks(setup, cluster, rates);
    return;
  }
  const Kernels kernels(setup, cluster, rates);
  blocks.dense = layer_time(setup, rates, kernels, blocks.dense_work);
  if (setup.model->is_moe()) blocks.moe = layer_time(setup, rates, kernels, blocks.moe_work);
  blocks.head = head_time(setup, rates, kernels);
}

TimeParts time_parts(const Setup& setup, const Cluster& cluster, const Rates& rates,
                     const Blocks& blocks) {
  if (blocks.native) return native_step(setup, cluster, rates, *blocks.native);
  return StepTimer(setup, cluster, rates, blocks).run();
}

TimeParts time_parts(const Setup& setup, const Cluster& cluster, const Rates& rates) {
  return time_parts(setup, cluster, rates, block_costs(setup, cluster, rates));
}

}  // namespace aforo::fast
