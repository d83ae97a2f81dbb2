#include "planner/fast/time.h"

#include <algorithm>
#include <cmath>

#include "planner/fast/collectives.h"

namespace aforo::fast {
namespace {

/// Kernels of the device: products, attention and passes in seconds.
class Kernels {
 public:
  Kernels(const Setup& setup, const Cluster& cluster, const Rates& rates)
      : setup_(setup), rates_(rates), scale_(type_scale(setup.matrix, *cluster.accelerator)) {}

  double product(double m, double n, double k, const Product& p) const {
    const bool low = p.low_precision && setup_.matrix >= MatrixType::fp8;
    const double peak = !low                               ? rates_[Rate::gemm_16] * scale_
                        : setup_.matrix == MatrixType::fp8 ? rates_[Rate::gemm_8]
                                                           : rates_[Rate::gemm_4];
    const double waves = p.batch * m * n,
                 half = rates_[Rate::half_mn] * std::sqrt(peak / rates_[Rate::gemm_16]);
    double rate = peak * waves / (waves + half) * k / (k + rates_[Rate::half_k]);
    if (p.grouped) rate *= rates_[Rate::grouped];
    const double bytes = p.batch * ((m * k + k * n) * (low ? 1 : size_) + m * n * size_);
    return std::max(2 * p.batch * m * n * k / rate, bytes / rates_[Rate::memory]) +
           gap(1);
  }

  double pass(double elements) const { return elements * size_ / rates_[Rate::memory]; }

  /// Forward: 4 FLOPs per pair and dimension; backward 10, scores again included.
  double attention(const LayerWork& work, bool backward) const {
    if (setup_.flash_attention) {
      const double share = rates_[backward ? Rate::attention_backward : Rate::attention_forward];
      const double fill = work.context / (work.context + rates_[Rate::half_seq]);
      const double flops = work.attention_flops * (backward ? 2.5 : 1);
      const double slower = setup_.deterministic ? rates_[Rate::deterministic] : 1;
      return slower * flops / (rates_[Rate::gemm_16] * scale_ * share * fill) + gap(1);
    }
    // Two batched products over the full square, twice as many backward, and passes over scores.
    const double sequences = work.score_elements / (work.context * work.context);
    const Product p{0, 0, 0, sequences, false, false, false};
    const double one = product(work.context, work.context, work.head_dim, p) +
                       product(work.context, work.head_dim, work.context, p);
    const double passes = rates_[Rate::score_passes] * (backward ? 1.2 : 1);
    return (backward ? 2 : 1) * one + pass(work.score_elements * passes);
  }

  /// Time between n kernels; a captured graph halves it (H200: 2.5 and 1.3 us, gpu-benches).
  double gap(double n) const { return n * rates_[Rate::gap] * (setup_.cuda_graphs ? 0.5 : 1); }
  double size() const { return size_; }

 private:
  static double type_scale(MatrixType type, const AcceleratorSpec& card) {
    const auto peak = [&](const char* name, double otherwise) {
      const auto found = card.peak_dense.find(name);
      return found == card.peak_dense.end() ? otherwise : found->second.value;
    };
    const double full = peak("bf16", peak("fp16", 1));
    if (type == MatrixType::fp32) return peak("fp32", full / 8) / full;
    if (type == MatrixType::tf32) return peak("tf32", peak("fp32", full / 8)) / full;
    return 1;
  }

  const Setup& setup_;
  const Rates& rates_;
  double scale_;
  double size_ = setup_.matrix == MatrixType::fp32 || setup_.matrix == MatrixType::tf32 ? 4 : 2;
};

/// Seconds of one layer and micro-step.
struct LayerTime {
  double products_f = 0, products_b = 0;
  double attention_f = 0, attention_b = 0;
  double passes_f = 0, passes_b = 0;
  double again_full = 0;     ///< recomputation of a layer that keeps its input only
  double again_partial = 0;  ///< of a layer under the selective switches
  double flops_f = 0, flops_b = 0, flops_again = 0;
  double forward() const { return products_f + attention_f + passes_f; }
  double backward() const { return products_b + attention_b + passes_b; }
};

class LayerTimer {
 public:
  LayerTimer(const Setup& setup, const Rates& rates, const Kernels& kernels)
      : setup_(setup), rates_(rates), kernels_(kernels) {}

  LayerTime time(const LayerWork& work) const {
    LayerTime t;
    for (int i = 0; i < work.n_products; ++i) add_product(work.products[i], t);
    t.attention_f = kernels_.attention(work, false);
    t.attention_b = kernels_.attention(work, true);
    const double square = work.score_elements * work.head_dim * 4;
    t.flops_f += setup_.flash_attention ? work.attention_flops : square;
    t.flops_b += setup_.flash_attention ? 2.5 * work.attention_flops : 2 * square;
    add_passes(work, t);
    add_recompute(work, t);
    return t;
  }

 private:
  void add_product(const Product& p, LayerTime& t) const {
    t.products_f += kernels_.product(p.m, p.n, p.k, p);
    t.products_b += kernels_.product(p.m, p.k, p.n, p);
    const double flops = 2 * p.batch * p.m * p.n * p.k;
    t.flops_f += flops;
    t.flops_b += flops;
    if (!p.frozen) {
      t.products_b += kernels_.product(p.n, p.k, p.m, p);
      t.flops_b += flops;
    }
    if (p.low_precision && setup_.matrix >= MatrixType::fp8) {
      const double cast = rates_[Rate::quantize_passes] * p.batch / kernels_.size();
      t.passes_f += kernels_.pass(cast * (p.m * p.k + p.n * p.k));
      t.passes_b += kernels_.pass(cast * p.m * p.n);
    }
    if (setup_.method == Method::qlora && p.low_precision) {
      const double unpack =
          p.n * p.k * (2 + setup_.frozen_bytes) / (rates_[Rate::memory] * rates_[Rate::dequantize]);
      t.passes_f += unpack;
      t.passes_b += unpack;
    }
  }

  double pass_factor() const {
    return rates_[Rate::pass_factor] * (setup_.compiled ? rates_[Rate::compiled_passes] : 1);
  }

  void add_passes(const LayerWork& work, LayerTime& t) const {
    const double forward =
        work.norm_elements + work.core_elements + work.activation_elements + work.route_elements;
    const double adapters = work.adapter_elements * rates_[Rate::adapter_passes];
    t.passes_f += kernels_.pass(forward * pass_factor() + adapters) + kernels_.gap(work.n_kernels);
    t.passes_b += kernels_.pass((1.1 * work.norm_elements + work.core_elements +
                                 1.67 * work.activation_elements + work.route_elements) *
                                    pass_factor() +
                                2 * adapters) +
                  kernels_.gap(1.5 * work.n_kernels);
  }

  void add_recompute(const LayerWork& work, LayerTime& t) const {
    t.again_full = t.forward();
    const RecomputeCounts& r = setup_.recompute;
    double& again = t.again_partial;
    if (r.attention_core) again += t.attention_f;
    if (r.norm) again += kernels_.pass(0.5 * work.norm_elements * pass_factor());
    if (r.activation) again += kernels_.pass(work.activation_elements * pass_factor());
    if (r.mlp_up) again += products(work, work.first_mlp, work.first_mlp + work.n_up);
    if (r.qkv) again += products(work, 0, work.first_mlp - 1);
    if (r.out) again += products(work, work.first_mlp - 1, work.first_mlp);
    if (r.alternate_products) again += 0.5 * t.products_f + t.passes_f;
    t.flops_again = t.flops_f;
  }

  double products(const LayerWork& work, int first, int last) const {
    double time = 0;
    for (int i = first; i < last; ++i) {
      const Product& p = work.products[i];
      time += kernels_.product(p.m, p.n, p.k, p);
    }
    return time;
  }

  const Setup& setup_;
  const Rates& rates_;
  const Kernels& kernels_;
};

/// Puts layers, head, communication, pipeline and optimizer together.
class StepTimer {
 public:
  StepTimer(const Setup& setup, const Cluster& cluster, const Rates& rates, const LayerWork& dense,
            const LayerWork& moe)
      : setup_(setup),
        p_(setup.parallel),
        cluster_(cluster),
        rates_(rates),
        kernels_(setup, cluster, rates),
        timer_(setup, rates, kernels_),
        counts_(layer_counts(*setup.model)),
        tokens_(local_tokens(setup)) {
    add_layers(dense, counts_.dense);
    if (counts_.moe > 0) add_layers(moe, counts_.moe);
  }

  TimeParts run() {
    head();
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
  void add_layers(const LayerWork& work, int n_layers) {
    if (n_layers == 0) return;
    const LayerTime t = timer_.time(work);
    const double n = static_cast<double>(n_layers) / p_.pp;
    const double full_share =
        static_cast<double>(std::min(setup_.recompute.full_layers, counts_.total())) /
        counts_.total();
    const double again = full_share * t.again_full + (1 - full_share) * t.again_partial;
    parts_.products += n * (t.products_f + t.products_b);
    parts_.attention += n * (t.attention_f + t.attention_b);
    parts_.passes += n * (t.passes_f + t.passes_b);
    parts_.recompute += n * again;
    forward_ += n * t.forward();
    backward_ += n * (t.backward() + again);
    flops_ += n * (t.flops_f + t.flops_b + full_share * t.flops_again);
    weights_ += n * work.weights;
    trained_ += n * work.trained;
    expert_weights_ += n * work.expert_weights;
    full_share_ = full_share;
    host_layers_ += n;
  }

  void head() {
    const double vocab = static_cast<double>(setup_.vocab_size()) / p_.tp;
    const double d = setup_.model->d_model;
    const Product p{tokens_, vocab, d, 1, false, false, false};
    const double f = kernels_.product(p.m, p.n, p.k, p);
    const double b = kernels_.product(p.m, p.k, p.n, p) +
                     (setup_.method == Method::full ? kernels_.product(p.n, p.k, p.m, p) : 0);
    const double loss = tokens_ * vocab * rates_[Rate::loss_bytes] *
                        (setup_.compiled ? rates_[Rate::compiled_passes] : 1) /
                        rates_[Rate::memory];
    head_ = f + b + loss;
    head_weights_ = vocab * d;
    head_flops_ = 2 * tokens_ * vocab * d * (setup_.method == Method::full ? 3 : 2);
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
      // Expert groups are consecutive devices (expert tensor parallelism 1). A token goes once to each rank that holds one of its experts.
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
    const double split = p_.sharding == Sharding::hsdp
                             ? (p_.shard_group > 0 ? p_.shard_group : cluster_.per_node)
                             : data_ranks();
    const Group group{static_cast<int>(std::min(split, data_ranks())), p_.tp};
    if (group.size <= 1 || !shards_gradients(p_.sharding)) return;
    const double elements = weights_ + head_weights_;
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
    const double head_busy = head_;
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
    parts_.head = m * head_busy;
    parts_.tp = m * tp_, parts_.cp = m * cp_, parts_.ep = m * ep_;
    parts_.host = (m + (p_.pp - 1.0) / p_.vpp) * wait;
    parts_.dp = m * (exposed_f + exposed_b);
    window_ = busy;
    parts_.hardware_flops = m * (flops_ + head_flops_ / p_.pp);
    if (setup_.offload_activations != OffloadTo::none) {
      const double moved = 2 * counts_.total() / p_.pp * tokens_ * setup_.model->d_model * 2;
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
    const double dense = weights_ - expert_weights_ + head_weights_;
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
    const double all = setup_.method == Method::full ? weights_ + head_weights_ : trained_;
    const StateBytes& s = setup_.states;
    const double bytes = 2 * s.gradient + 2 * s.master + 2 * s.states + 2;
    parts_.optimizer = all / shards * bytes * rates_[Rate::optimizer_factor] / rates_[Rate::memory];
    if (setup_.offload_states != OffloadTo::none)
      parts_.offload += all / shards * 2 * (s.master + s.states) / rates_[Rate::host_link];
    if (setup_.offload_weights != OffloadTo::none)
      parts_.offload += setup_.grad_accum() *
                        std::max(0.0, (2 * all / shards * 2) / rates_[Rate::host_link] - window_);
  }

  void finish() {
    parts_.fixed = rates_[Rate::step_fixed] * (setup_.cuda_graphs ? 0.3 : 1);
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
  Kernels kernels_;
  LayerTimer timer_;
  LayerCounts counts_;
  double tokens_;
  TimeParts parts_;
  double forward_ = 0, backward_ = 0, flops_ = 0;  ///< one micro-step of a stage
  double weights_ = 0, trained_ = 0, expert_weights_ = 0;
  double full_share_ = 0, host_layers_ = 0;
  double head_ = 0, head_weights_ = 0, head_flops_ = 0;
  double tp_ = 0, cp_ = 0, ep_ = 0;
  double window_ = 0;
};

}  // namespace

TimeParts time_parts(const Setup& setup, const Cluster& cluster, const Rates& rates,
                     const LayerWork& dense, const LayerWork& moe) {
  return StepTimer(setup, cluster, rates, dense, moe).run();
}

TimeParts time_parts(const Setup& setup, const Cluster& cluster, const Rates& rates) {
  const LayerWork dense = layer_work(setup, false);
  return time_parts(setup, cluster, rates, dense,
                    setup.model->is_moe() ? layer_work(setup, true) : LayerWork{});
}

}  // namespace aforo::fast
