#include "planner/fast/exchange.h"

#include <algorithm>
#include <cmath>

namespace aforo::fast {
namespace {

// DeepSpeed quantizes blocks of 2,048 elements, each with an fp32 scale.
constexpr double scale_bytes = 4.0 / 2048;

/// Ranks that hold one whole copy of the weights between them.
double ranks_of_copy(const Setup& setup, const Cluster& cluster) {
  const Parallelism& p = setup.parallel;
  double split = p.sharding == Sharding::hsdp
                     ? (p.shard_group > 0 ? p.shard_group : cluster.per_node)
                     : data_ranks(p);
  // Weights are sharded inside a TPU slice and replicated across slices.
  if (cluster.n_slices > 1) split = std::min(split, data_ranks(p) / cluster.n_slices);
  return std::min(split, data_ranks(p));
}

/// The collectives of ZeRO++ for `elements` of weights and `gradients` of them trained.
class PlusPlus {
 public:
  PlusPlus(const Setup& setup, const Cluster& cluster, const Rates& rates, Group group,
           double layers)
      : parts_(setup.parallel.zeropp),
        cluster_(cluster),
        rates_(rates),
        all_(group),
        layers_(layers) {
    const int wanted =
        setup.parallel.shard_group > 0 ? setup.parallel.shard_group : cluster.per_node;
    inside_ = {std::clamp(wanted / group.stride, 1, group.size), group.stride};
    across_ = {std::max(1, group.size / inside_.size), group.stride * inside_.size};
  }

  ShardTraffic traffic(double elements, double gradients, double reduce_bytes) const {
    ShardTraffic t;
    const double wide = parts_.qwz ? quantized_gather(elements) : gather(2 * elements, all_);
    t.forward = wide;
    t.backward =
        (parts_.hpz ? gather(2 * elements, inside_) : wide) +
        (parts_.qgz ? quantized_scatter(gradients) : gather(reduce_bytes * gradients, all_));
    return t;
  }

 private:
  double gather(double bytes, Group group) const {
    return gather_time(bytes, group, cluster_, rates_) +
           layers_ * gather_time(0, group, cluster_, rates_);
  }
  double pass(double bytes) const { return bytes / rates_[Rate::memory]; }

  double quantized_gather(double elements) const {
    return gather((1 + scale_bytes) * elements, all_) + pass(3 * elements);
  }

  /// Two hops, so that values are rounded twice, not once a rank: pack 2 -> 1/2 bytes, unpack and
  /// sum 1/2 -> 4, and the same for the share of one rank of the machine.
  double quantized_scatter(double elements) const {
    const double wire = 0.5 + scale_bytes, share = elements / inside_.size;
    const double hops = all_to_all_time(wire * elements, inside_, cluster_, rates_) +
                        all_to_all_time(wire * share, across_, cluster_, rates_);
    const double latencies = all_to_all_time(0, inside_, cluster_, rates_) +
                             all_to_all_time(0, across_, cluster_, rates_);
    return hops + layers_ * latencies + pass(7 * (elements + share));
  }

  ZeroPlusPlus parts_;
  const Cluster& cluster_;
  const Rates& rates_;
  Group all_, inside_, across_;
  double layers_;
};

/// One dispatch of tokens to the ranks that hold their experts, `bytes` before copies. An
/// all-to-all sends a copy for every expert of a token. DeepEP sends a token once to each machine
/// that holds one, and inside the machine once to each rank; both hops overlap.
double dispatch_time(const Setup& setup, double bytes, const Cluster& cluster, const Rates& rates) {
  const Group group{setup.parallel.ep, 1};
  const double top_k = setup.model->moe.top_k;
  if (!setup.deep_ep) return all_to_all_time(bytes * top_k, group, cluster, rates);
  const auto holders = [&](double n) { return n * (1 - std::pow(1 - 1 / n, top_k)); };
  const double ranks = group.size, machines = std::max(1.0, ranks / cluster.per_node);
  const double across = bytes * holders(machines) * (machines - 1) / machines;
  const double inside = bytes * holders(ranks) * (ranks / machines - 1) / (ranks / machines);
  return std::max(across / rates[Rate::inter], inside / rates[Rate::intra]) +
         all_to_all_time(0, group, cluster, rates);
}

}  // namespace

LayerExchange layer_exchange(const Setup& setup, const Cluster& cluster, const Rates& rates,
                             const StageSums& sums) {
  const Parallelism& p = setup.parallel;
  const LayerCounts counts = layer_counts(*setup.model);
  const double tokens = local_tokens(setup);
  const double layers = static_cast<double>(counts.total()) / p.pp;
  const double message = tokens * setup.model->d_model * 2;
  const double passes = 2 + sums.full_share;  // forward, backward, forward again
  LayerExchange out;
  if (p.tp > 1) {
    const double one = gather_time(message, {p.tp, 1}, cluster, rates);
    // two gathers and two scatters a pass; sequence parallelism gathers again in backward
    const double n = 4 * passes + (p.sequence_parallel ? 2 : 0);
    out.tp = layers * n * one * rates[Rate::tp_exposed];
  }
  if (p.cp > 1) {
    const double kv = 2.0 * setup.model->kv_width() / p.tp * tokens * p.cp * 2;
    const double one = gather_time(kv, {p.cp, p.tp}, cluster, rates);
    out.cp = layers * (passes + 1) * one * rates[Rate::cp_exposed];
  }
  if (p.ep > 1 && counts.moe > 0) {
    // Expert groups are consecutive devices (expert tensor parallelism 1).
    const double one = dispatch_time(setup, message / p.tp, cluster, rates);
    out.ep = static_cast<double>(counts.moe) / p.pp * 2 * passes * one * rates[Rate::ep_exposed];
  }
  return out;
}

ShardTraffic shard_traffic(const Setup& setup, const Cluster& cluster, const Rates& rates,
                           const StageSums& sums, double head_weights) {
  const Parallelism& p = setup.parallel;
  const Group group{static_cast<int>(ranks_of_copy(setup, cluster)), p.tp};
  if (group.size <= 1 || !shards_gradients(p.sharding)) return {};
  const double elements = sums.weights + head_weights;
  const double gradient = setup.method == Method::full ? elements : sums.trained;
  if (p.sharding == Sharding::zeropp)
    return PlusPlus(setup, cluster, rates, group, sums.layers)
        .traffic(elements, gradient, setup.reduce_bytes);
  ShardTraffic traffic;
  const double frozen = setup.method == Method::qlora ? setup.frozen_bytes : 2;
  const double latency = sums.layers * gather_time(0, group, cluster, rates);
  if (shards_weights(p.sharding)) {
    const double one = gather_time(elements * frozen, group, cluster, rates);
    traffic.forward = one + latency;
    traffic.backward = one + latency;
  }
  traffic.backward += gather_time(gradient * setup.reduce_bytes, group, cluster, rates) + latency;
  return traffic;
}

double gradient_reduction(const Setup& setup, const Cluster& cluster, const Rates& rates,
                          const StageSums& sums, double head_weights, double window) {
  const Parallelism& p = setup.parallel;
  const double dense = sums.weights - sums.expert_weights + head_weights;
  const Group group{p.dp * p.cp, p.tp};
  const Group expert_group{std::max(1, p.dp * p.cp * p.tp / p.ep), p.ep};
  const auto both = [&](double bytes) {
    if (setup.method != Method::full)
      return gather_time(bytes * sums.trained / std::max(1.0, sums.weights), group, cluster, rates);
    return gather_time(bytes * dense, group, cluster, rates) +
           gather_time(bytes * sums.expert_weights, expert_group, cluster, rates);
  };
  double time = 0;
  if (p.sharding == Sharding::ddp) time = 2 * both(setup.reduce_bytes);
  if (p.sharding == Sharding::zero1) time = both(setup.reduce_bytes) + both(2);
  if (p.sharding == Sharding::zero2) time = both(2);
  if (p.sharding == Sharding::hsdp) {
    const int inside = p.shard_group > 0 ? p.shard_group : cluster.per_node;
    const Group across{std::max(1, p.dp * p.cp / inside), p.tp * inside};
    time = 2 * gather_time(dense / inside * setup.reduce_bytes, across, cluster, rates);
  }
  const double hidden = rates[Rate::overlap_window] * window;
  double exposed = std::max(rates[Rate::dp_exposed] * time, time - hidden);
  if (cluster.n_slices > 1) {
    const double shard = dense * setup.reduce_bytes / (data_ranks(p) / cluster.n_slices);
    const double n = cluster.n_slices;
    const double across = 2 * shard * (n - 1) / n / rates[Rate::slice];
    exposed += std::max(rates[Rate::dp_exposed] * across, across - hidden);
  }
  return exposed;
}

}  // namespace aforo::fast
