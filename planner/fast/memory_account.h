#pragma once
// The account behind memory.h: what one pipeline stage of one setup holds at each moment of a step.

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "planner/fast/activation_bytes.h"
#include "planner/fast/memory.h"
#include "planner/fast/pipeline_stage.h"
#include "planner/fast/weight_counts.h"

namespace aforo::fast {

/// One stage of one setup under one style.
class Account {
 public:
  Account(const Setup& setup, const MemoryStyle& style, const PipelineStage& stage)
      : setup_(setup), style_(style), model_(*setup.model), stage_(stage) {
    p_ = setup.parallel;
    group_ = shard_group();
    e_ = setup.matrix <= MatrixType::tf32 ? 4 : 2;
    held_ = stage_weights(setup, style, stage);
    layers();
    states();
  }

  MemoryParts peak() const {
    return reserve(fullest({at_load(), at_loss(), at_last_layer(), at_first_layer(), at_update()}));
  }

  MemoryPhases phases() const {
    return {reserve(at_load()), reserve(at_loss()),
            reserve(fullest({at_last_layer(), at_first_layer()})), reserve(at_update()),
            reserve(at_evaluation())};
  }

 private:
  double shard_group() const {
    const double ranks = static_cast<double>(p_.dp) * p_.cp;
    if (p_.sharding != Sharding::hsdp) return ranks;
    return std::min(ranks, machine());
  }

  /// Ranks that a group inside one machine has.
  double machine() const { return p_.shard_group > 0 ? p_.shard_group : setup_.device.per_node; }

  void layers() {
    dense_ = layer_activations(setup_, style_, false);
    if (stage_.moe > 0) moe_ = layer_activations(setup_, style_, true);
    const double share =
        std::min(1.0, static_cast<double>(setup_.recompute.full_layers) / model_.n_layers);
    const double plain =
        std::min(1 - share, static_cast<double>(setup_.recompute.plain_layers) / model_.n_layers);
    const auto kept = [&](const LayerActivations& a) {
      return share * a.input + (1 - share - plain) * a.kept + plain * a.all;
    };
    kept_ = stage_.in_flight_dense * kept(dense_) + stage_.in_flight_moe * kept(moe_);
    if (style_.pipeline_outputs && p_.pp > 1)
      kept_ += stage_.micro_batches_in_flight * dense_.input;
    if (setup_.offload_activations != OffloadTo::none)
      offloaded_ =
          setup_.offload_inputs_only
              ? offloaded_activations(
                    (stage_.in_flight_dense + stage_.in_flight_moe) * dense_.input, dense_.input)
              : offloaded_activations(kept_, std::max(kept(dense_), kept(moe_)));
    kept_ -= offloaded_;
    // Final norm in and out; embedding's dropout mask.
    const double ends =
        dense_.input * ((stage_.last ? 2 : 0) + (stage_.first && setup_.dropout ? 0.5 : 0));
    kept_ += ends;
    const LayerActivations& wide = moe_.all > dense_.all ? moe_ : dense_;
    const bool again = setup_.recompute.full_layers > 0 || wide.all > wide.kept;
    working_ = wide.working + (again ? wide.all - (share > 0 ? wide.input : wide.kept) : 0);
    layer_ = kept(wide);
  }

  /// All but two layers of what is kept; of static buffers only the layers' inputs move.
  double offloaded_activations(double all, double layer) const {
    if (!style_.static_buffers) return std::max(0.0, all - 2 * layer);
    const double layers = stage_.in_flight_dense + stage_.in_flight_moe;
    return std::min(all, std::max(0.0, layers - 2) * dense_.input);
  }

  /// What stays through the step.
  void states() {
    const StateBytes& s = setup_.states;
    const double weights = shards_weights(p_.sharding) ? group_ : 1;
    const double states = shards_states(p_.sharding) ? group_ : 1;
    base_.weights = s.weight * trained(weights);
    if (setup_.method != Method::full) base_.weights += frozen() / weights;
    // Where the master is the parameter itself (cast in flight), ZeRO-1 leaves it whole, and ZeRO-2
    // (SHARD_GRAD_OP) keeps the gathered copy from forward to backward.
    const bool cast = s.weight == 0;
    base_.master = s.master * trained(cast && p_.sharding == Sharding::zero1 ? 1 : states);
    if (cast && p_.sharding == Sharding::zero2 && group_ > 1) base_.weights += e_ * trained(1);
    if (p_.sharding == Sharding::zeropp && p_.zeropp.hpz && setup_.method == Method::full)
      base_.weights += e_ * trained(std::min(group_, machine()));
    base_.optimizer_states = s.states * trained(states);
    base_.workspace = workspace();
    base_.host = offloaded_;
    gradient_ = s.gradient * trained(shards_gradients(p_.sharding) ? group_ : 1);
    held_on_ = style_.persistent_gradients || setup_.grad_accum() > 1;
    if (setup_.optimizer_in_backward)
      gradient_ = std::min(gradient_, s.gradient * std::max(held_.embedding, held_.largest_layer));
    updated_ = trained(std::max(weights, states));
    unit_ = weights > 1 ? e_ * held_.largest_layer : 0;
    ends_unit_ = weights > 1 ? e_ * std::max(held_.embedding, held_.head) : 0;
    offload();
  }

  /// Trained elements of one of `ranks` that share them; experts have fewer ranks to share with.
  double trained(double ranks) const {
    if (setup_.method != Method::full) return held_.adapters / ranks;
    const double expert_tp = setup_.expert_tp > 0 ? setup_.expert_tp : p_.tp;
    const double copies = std::max(1.0, group_ * p_.tp / (p_.ep * expert_tp));
    return (held_.layers + held_.ends()) / ranks + held_.experts / (ranks > 1 ? copies : 1);
  }

  void offload() {
    // Two layers and a token table come and go through buffers.
    const double buffers = 2 * held_.largest_layer + std::max(held_.embedding, held_.head);
    if (setup_.offload_states == OffloadTo::cpu)
      base_.host += base_.master + base_.optimizer_states;
    if (setup_.offload_states == OffloadTo::nvme) {
      base_.disk += base_.master + base_.optimizer_states;
      base_.host += drive_buffers();
    }
    if (setup_.offload_states != OffloadTo::none) {
      if (setup_.host_optimizer) {  // gradients follow, layer by layer
        base_.host += gradient_;
        gradient_ = std::min(gradient_, setup_.states.gradient * buffers);
      }
      base_.master = base_.optimizer_states = 0;
    }
    if (setup_.offload_weights != OffloadTo::none) {
      base_.host += base_.weights;
      base_.weights = std::min(base_.weights, e_ * buffers);
    }
    if (setup_.offload_gradients != OffloadTo::none) {
      base_.host += gradient_;
      gradient_ = std::min(gradient_, setup_.states.gradient * buffers);
    }
  }

  /// DeepSpeed's pool of pinned buffers: four of a sub-group of 1e9 parameters in fp32, once to
  /// read and once to write (buffer_count, sub_group_size, pipeline_read and pipeline_write).
  double drive_buffers() const {
    return 2 * 4 * 4 * std::min(1e9, base_.optimizer_states / std::max(1.0, setup_.states.states));
  }

  double frozen() const {
    if (setup_.method == Method::lora) return setup_.frozen_bytes * held_.all();
    const double matrices = held_.quantized + (style_.quantized_head ? held_.head : 0);
    return setup_.frozen_bytes * matrices + setup_.unquantized_bytes * (held_.all() - matrices);
  }

  double workspace() const {
    const double one = setup_.device.gemm_workspace;
    const double fixed = 32.0 * (1 << 20);
    return style_.workspaces * (setup_.deterministic ? fixed : one) + style_.extra_workspaces * one;
  }

  double logits() const {
    if (!stage_.last) return 0;
    const double n = tokens_of(setup_) / setup_.loss_chunks * padded_vocab(setup_, style_) / p_.tp;
    double bytes = p_.tp > 1 && style_.parallel_logit_bytes > 0 ? style_.parallel_logit_bytes
                                                                : style_.logit_bytes;
    if (setup_.fused_loss) bytes = style_.fused_logit_bytes;
    if (e_ < setup_.unquantized_bytes && bytes <= 8) bytes *= 2;  // an fp32 head makes fp32 logits
    return n * bytes;
  }

  /// Weights gathered for a layer and the one after it; gradients before they are reduced.
  double gathered(bool backward) const {
    if (unit_ == 0) return 0;
    if (p_.sharding == Sharding::yafsdp)
      return 2 * unit_ + 2 * unit_ / e_ * setup_.reduce_bytes + ends_unit_;
    const double weights = style_.gathered_units * unit_ + ends_unit_;
    if (!backward || setup_.method != Method::full) return weights;
    const double share = std::min(1.0, style_.gathered_units);
    return weights + share * (unit_ + unit_ / e_ * setup_.reduce_bytes);
  }

  MemoryParts at_load() const {
    MemoryParts m = base_;
    m.optimizer_states = 0;
    if (setup_.states.weight > 0) m.master = 0;  // else it is the parameter itself
    if (style_.loads_whole && unit_ > 0) m.gathered = 2 * held_.all();
    return m;
  }

  MemoryParts at_loss() const {
    MemoryParts m = base_;
    m.activations = kept_;
    m.logits = logits();
    m.gathered = gathered(false);
    // Chunks of a fused loss add to the gradient of the head one by one.
    m.gradients = held_on_ ? gradient_ : setup_.fused_loss ? first_gradients() : 0;
    if (setup_.method == Method::qlora) m.working = dequantized(style_.quantized_head);
    if (style_.static_buffers) m.working = working_;
    if (p_.sequence_parallel) m.working += 2 * e_ * tokens_of(setup_) * model_.d_model;
    return m;
  }

  MemoryParts at_last_layer() const {
    MemoryParts m = base_;
    m.activations = kept_;
    m.working = working_;
    m.gathered = gathered(true);
    m.gradients = held_on_ ? gradient_ : first_gradients();
    return m;
  }

  MemoryParts at_first_layer() const {
    MemoryParts m = base_;
    m.activations = layer_;
    m.working = working_;
    m.gathered = gathered(true);
    m.gradients = gradient_;
    return m;
  }

  MemoryParts at_update() const {
    MemoryParts m = base_;
    m.gradients = gradient_;
    if (!setup_.optimizer_in_backward)
      m.working = style_.optimizer_temporary * setup_.states.states / 2 * updated_;
    return m;
  }

  /// Forward alone, nothing kept for backward; gradients that outlive a step are still there.
  MemoryParts at_evaluation() const {
    MemoryParts m = base_;
    m.working = dense_.input + std::max(dense_.all, moe_.all);
    m.logits = logits() / 2;
    m.gathered = gathered(false);
    m.gradients = style_.persistent_gradients ? gradient_ : 0;
    return m;
  }

  static MemoryParts fullest(std::initializer_list<MemoryParts> moments) {
    MemoryParts best;
    for (const MemoryParts& moment : moments)
      if (moment.allocated() > best.allocated()) best = moment;
    return best;
  }

  /// A quantized matrix is whole, in 16 bits, while a product reads it.
  double dequantized(bool head) const { return head ? e_ * held_.head : 0; }

  /// Of the head, the first that backward makes.
  double first_gradients() const {
    if (setup_.method != Method::full || held_.all() <= 0) return 0;
    const double table = std::max(held_.head, model_.tie_embeddings ? held_.embedding : 0);
    return gradient_ * table / held_.all();
  }

  MemoryParts reserve(MemoryParts m) const {
    m.slack = style_.slack * m.allocated();
    const int groups = (p_.dp > 1) + (p_.tp > 1) + (p_.pp > 1) + (p_.cp > 1) + (p_.ep > 1);
    m.context = setup_.device.context + groups * style_.communicator;
    if (setup_.variable_lengths) {
      m.cache = style_.variable_length_cache * (m.logits + m.working);
      if (setup_.device.memory > 0)
        m.cache = std::clamp(setup_.device.memory - m.required(), 0.0, m.cache);
    }
    return m;
  }

  const Setup& setup_;
  const MemoryStyle& style_;
  const ModelSpec& model_;
  const PipelineStage& stage_;
  Parallelism p_;
  double group_ = 1, e_ = 2;
  StageWeights held_;
  LayerActivations dense_, moe_;
  double kept_ = 0, working_ = 0, layer_ = 0, offloaded_ = 0;
  MemoryParts base_;
  double gradient_ = 0, updated_ = 0, unit_ = 0, ends_unit_ = 0;
  bool held_on_ = false;
};

}  // namespace aforo::fast
