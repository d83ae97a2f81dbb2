#include "planner/fast/layer_time.h"

namespace aforo::fast {
namespace {

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
      const double weight_gradient = kernels_.product(p.n, p.k, p.m, p);
      t.products_b += weight_gradient;
      t.weight_gradients += weight_gradient;
      t.flops_b += flops;
    }
    if (p.low_precision && setup_.matrix >= MatrixType::fp8) {
      const double cast = rates_[Rate::quantize_passes] * p.batch / kernels_.size();
      t.passes_f += kernels_.pass(cast * p.m * p.k);
      t.weight_casts += kernels_.pass(cast * p.n * p.k);
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

}  // namespace

LayerTime layer_time(const Setup& setup, const Rates& rates, const Kernels& kernels,
                     const LayerWork& work) {
  return LayerTimer(setup, rates, kernels).time(work);
}

}  // namespace aforo::fast
