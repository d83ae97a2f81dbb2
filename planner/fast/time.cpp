#include "planner/fast/time.h"

#include <algorithm>
#include <cmath>

#include "planner/fast/activation_bytes.h"
#include "planner/fast/exchange.h"
#include "planner/fast/native_program.h"
#include "planner/fast/offload_time.h"
#include "planner/fast/pipeline_stage.h"

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
  return {products + tokens * vocab * passes, vocab * d, 2 * tokens * vocab * d * (trained ? 3 : 2),
          trained ? 1.0 / 3 : 0.5};
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
        counts_(layer_counts(*setup.model)) {
    add_layers(blocks.dense_work, blocks.dense, counts_.dense);
    add_layers(blocks.moe_work, blocks.moe, counts_.moe);
  }

  TimeParts run() {
    pipeline();
    parts_.dp += gradient_reduction(setup_, cluster_, rates_, sums_, table_weights(), window_);
    optimizer();
    finish();
    return parts_;
  }

 private:
  /// Sums one micro-step of the layers of a kind on an average stage.
  void add_layers(const LayerWork& work, const LayerTime& t, int n_layers) {
    if (n_layers == 0) return;
    const double n = static_cast<double>(n_layers) / p_.pp;
    const double full_share =
        static_cast<double>(std::min(setup_.recompute.full_layers, counts_.total())) /
        counts_.total();
    const double plain_share = plain_layers(full_share) / counts_.total();
    const double again =
        full_share * t.again_full + (1 - full_share - plain_share) * t.again_partial;
    parts_.products += n * (t.products_f + t.products_b);
    parts_.attention += n * (t.attention_f + t.attention_b);
    parts_.passes += n * (t.passes_f + t.passes_b);
    parts_.recompute += n * again;
    sums_.weight_casts += n * t.weight_casts;
    sums_.weight_gradients += n * t.weight_gradients;
    sums_.forward += n * t.forward();
    sums_.backward += n * (t.backward() + again);
    sums_.flops += n * (t.flops_f + t.flops_b + full_share * t.flops_again);
    sums_.weights += n * work.weights;
    sums_.trained += n * work.trained;
    sums_.expert_weights += n * work.expert_weights;
    sums_.full_share = full_share;
    plain_share_ = plain_share;
    sums_.layers += n;
  }

  /// Layers that are not computed again although others are in part.
  double plain_layers(double full_share) const {
    const double rest = (1 - full_share) * counts_.total();
    return std::min<double>(setup_.recompute.plain_layers, rest);
  }

  /// Host time of one micro-step, and what of it is not hidden behind `busy`.
  double host_wait(double busy) const {
    if (setup_.cuda_graphs) return 0;
    double layer = rates_[Rate::host_layer] * (setup_.compiled ? rates_[Rate::compiled_host] : 1);
    if (setup_.method != Method::full) layer *= 1.6;  // adapters are launches too
    layer *= 2.3 + sums_.full_share;
    if (shards_weights(p_.sharding)) layer += 3 * rates_[Rate::shard_host];
    const double host = (sums_.layers + 2) * layer;
    return std::pow(std::pow(busy, 4) + std::pow(host, 4), 0.25) - busy;
  }

  void pipeline() {
    const double m = setup_.grad_accum();
    const LayerExchange exchange = layer_exchange(setup_, cluster_, rates_, sums_);
    const double f = sums_.forward, b = sums_.backward;
    double busy = f + b + exchange.sum();
    const double head_busy = blocks_.head.time;
    const ShardTraffic traffic = shard_traffic(setup_, cluster_, rates_, sums_, table_weights());
    const double serial = rates_[Rate::shard_serial];
    const double exposed_f = exposed(f, traffic.forward, serial),
                 exposed_b = exposed(b, traffic.backward, serial);
    busy += exposed_f + exposed_b;
    const double slowest = slowest_stage(setup_, busy, head_busy);
    const double wait = host_wait(slowest);
    if (p_.pp > 1) parts_.pp = 2 * m * p_.vpp * rates_[Rate::pp_exposed] * send();
    parts_.bubble = drained(setup_, busy + head_busy / p_.pp, sums_.weight_gradients) +
                    m * (slowest - busy - head_busy);
    for (double* part : {&parts_.products, &parts_.attention, &parts_.passes, &parts_.recompute})
      *part *= m;
    parts_.passes += sums_.weight_casts;
    parts_.head = m * head_busy;
    parts_.tp = m * exchange.tp, parts_.cp = m * exchange.cp, parts_.ep = m * exchange.ep;
    parts_.host = (m + (p_.pp - 1.0) / p_.vpp) * wait;
    parts_.dp = m * (exposed_f + exposed_b);
    busy_ = busy;
    const double forward = f + exchange.sum() / (2 + sums_.full_share) + exposed_f;
    parts_.forward_share =
        (forward + blocks_.head.forward_share * head_busy / p_.pp) / (busy + head_busy / p_.pp);
    // Stages that have drained reduce while others still work.
    window_ = busy + drained(setup_, busy, sums_.weight_gradients);
    parts_.hardware_flops = m * (sums_.flops + blocks_.head.flops / p_.pp);
    if (setup_.offload_activations != OffloadTo::none)
      parts_.offload += activation_offload(setup_, rates_, moved_activations(), f + b);
  }

  /// Elements of the token tables of a stage: head and embedding where one stage holds both and
  /// they are not the same.
  double table_weights() const {
    return blocks_.head.weights * (p_.pp == 1 && !setup_.model->tie_embeddings ? 2 : 1);
  }

  /// Each tensor-parallel rank sends its share over its own NIC; without sequence parallelism the
  /// receivers gather the whole inside their node (Narayanan et al. 2021, section 4.1). DeepSpeed's
  /// pipeline engine does so with activations and sends their gradients whole, once for each rank
  /// (is_pipe_partitioned, is_grad_partitioned of its releases of 2021 and 2022). Seconds of a mean
  /// send.
  double send() const {
    const double message = local_tokens(setup_) * setup_.model->d_model * 2;
    const int stride = p_.tp * p_.cp * p_.dp;
    const double share = send_time(message / p_.tp, stride, cluster_, rates_);
    if (p_.tp == 1 || p_.sequence_parallel) return share;
    const double gathered = share + gather_time(message, {p_.tp, 1}, cluster_, rates_);
    if (!setup_.whole_gradient_sends) return gathered;
    return 0.5 * (gathered + send_time(message, stride, cluster_, rates_));
  }

  /// What layers keep goes out and comes back, beside compute.
  double moved_activations() const {
    const double part = 1 - sums_.full_share - plain_share_;
    const double kept =
        sums_.full_share * counts_.total() * blocks_.input_bytes +
        part * (counts_.dense * blocks_.dense_kept + counts_.moe * blocks_.moe_kept) +
        plain_share_ * (counts_.dense * blocks_.dense_all + counts_.moe * blocks_.moe_all);
    const double inputs = counts_.total() * blocks_.input_bytes;
    return 2 * (setup_.offload_inputs_only ? inputs : kept) / p_.pp;
  }

  static double exposed(double compute, double traffic, double serial) {
    return std::max(compute, traffic) + serial * std::min(compute, traffic) - compute;
  }

  void optimizer() {
    const double shards = shards_states(p_.sharding) ? data_ranks(p_) : 1;
    const double all =
        setup_.method == Method::full ? sums_.weights + table_weights() : sums_.trained;
    const StateBytes& s = setup_.states;
    if (setup_.offload_states == OffloadTo::none || !setup_.host_optimizer) {
      const double bytes = 2 * s.gradient + 2 * s.master + 2 * s.states + 2;
      parts_.optimizer =
          all / shards * bytes * rates_[Rate::optimizer_factor] / rates_[Rate::memory];
    }
    parts_.offload += state_offload(setup_, cluster_, rates_, all / shards, sums_.backward);
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
  TimeParts parts_;
  StageSums sums_;
  double busy_ = 0, window_ = 0, plain_share_ = 0;
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
  blocks.dense_all = dense.all;
  if (setup.model->is_moe()) {
    const LayerActivations moe = layer_activations(setup, MemoryStyle{}, true);
    blocks.moe_kept = moe.kept;
    blocks.moe_all = moe.all;
  }
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
