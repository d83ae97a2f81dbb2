#pragma once
// Seconds of single kernels on a device: products, attention, passes.

#include <algorithm>
#include <cmath>

#include "planner/fast/layer_work.h"
#include "planner/fast/rates.h"

namespace aforo::fast {

/// Kernels of the device: products, attention and passes in seconds.
class Kernels {
 public:
  Kernels(const Setup& setup, const Cluster& cluster, const Rates& rates)
      : rates_(rates),
        matrix_(setup.matrix),
        flash_attention_(setup.flash_attention),
        deterministic_(setup.deterministic),
        cuda_graphs_(setup.cuda_graphs),
        scale_(type_scale(setup.matrix, *cluster.accelerator)),
        product_scale_(setup.quantized_fp32 ? type_scale(MatrixType::fp32, *cluster.accelerator)
                                            : scale_),
        size_(setup.quantized_fp32 || matrix_ == MatrixType::fp32 || matrix_ == MatrixType::tf32
                  ? 4
                  : 2) {}

  double product(double m, double n, double k, const Product& p) const {
    const double in = low_precision(p) ? 1 : size_;
    const double bytes = p.batch * ((m * k + k * n) * in + m * n * size_);
    return std::max(product_arithmetic(m, n, k, p), bytes / rates_[Rate::memory]) + gap(1);
  }

  /// FLOPs over the rate that products of this shape reach; `p` gives batch and type.
  double product_arithmetic(double m, double n, double k, const Product& p) const {
    const double peak = !low_precision(p)            ? rates_[Rate::gemm_16] * product_scale_
                        : matrix_ == MatrixType::fp8 ? rates_[Rate::gemm_8]
                                                     : rates_[Rate::gemm_4];
    const double waves = p.batch * m * n,
                 half = rates_[Rate::half_mn] * std::sqrt(peak / rates_[Rate::gemm_16]);
    double rate = peak * waves / (waves + half) * k / (k + rates_[Rate::half_k]);
    if (p.grouped) rate *= rates_[Rate::grouped];
    return 2 * p.batch * m * n * k / rate;
  }

  double pass(double elements) const { return elements * size_ / rates_[Rate::memory]; }

  /// Forward: 4 FLOPs per pair and dimension; backward 10, scores again included.
  double attention(const LayerWork& work, bool backward) const {
    if (flash_attention_) {
      const double flops = work.attention_flops * (backward ? 2.5 : 1);
      return fused_attention(flops, work.context, backward) + gap(1);
    }
    // Two batched products over the full square, twice as many backward, and passes over scores.
    const double sequences = work.score_elements / (work.context * work.context);
    const Product p{0, 0, 0, sequences, false, false, false};
    const double one = product(work.context, work.context, work.head_dim, p) +
                       product(work.context, work.head_dim, work.context, p);
    const double passes = rates_[Rate::score_passes] * (backward ? 1.2 : 1);
    return (backward ? 2 : 1) * one + pass(work.score_elements * passes);
  }

  /// `flops` over visible pairs of sequences of `context` keys.
  double fused_attention(double flops, double context, bool backward) const {
    const double share = rates_[backward ? Rate::attention_backward : Rate::attention_forward];
    const double fill = context / (context + rates_[Rate::half_seq]);
    const double slower = deterministic_ ? rates_[Rate::deterministic] : 1;
    return slower * flops / (rates_[Rate::gemm_16] * scale_ * share * fill);
  }

  /// Time between n kernels; a captured graph halves it (H200: 2.5 and 1.3 us, gpu-benches).
  double gap(double n) const { return n * rates_[Rate::gap] * (cuda_graphs_ ? 0.5 : 1); }
  double size() const { return size_; }

 private:
  static double type_scale(MatrixType type, const AcceleratorSpec& card) {
    const auto peak = [&](const char* name, double otherwise) {
      return peak_or(card, name, otherwise);
    };
    const double full = peak("bf16", peak("fp16", peak("fp32", 1)));
    if (type == MatrixType::fp32) return peak("fp32", full / 8) / full;
    if (type == MatrixType::tf32) return peak("tf32", peak("fp32", full / 8)) / full;
    return 1;
  }

  bool low_precision(const Product& p) const {
    return p.low_precision && matrix_ >= MatrixType::fp8;
  }

  const Rates& rates_;
  MatrixType matrix_;
  bool flash_attention_, deterministic_, cuda_graphs_;
  double scale_;          ///< of attention: its type's peak over that of 16 bits
  double product_scale_;  ///< of products
  double size_;           ///< bytes of an element
};

}  // namespace aforo::fast
