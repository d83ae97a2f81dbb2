#pragma once
// The GPT models of Narayanan et al., "Efficient Large-Scale Language Model Training on GPU
// Clusters Using Megatron-LM", SC'21 (arXiv 2104.04473), and of Korthikanti et al., "Reducing
// Activation Recomputation in Large Transformer Models" (arXiv 2205.05198), with their closed forms
// as oracles.

#include "planner/spec/model.h"

namespace aforo::test {

/// Their models: GPT-2's shape, tied head, vocabulary 51,200, sequences of 2,048.
struct MegatronModel {
  double billions;  ///< as published, rounded
  int n_heads, d_model, n_layers;

  double L() const { return n_layers; }
  double h() const { return d_model; }
  static constexpr double s = 2048;
  static constexpr double V = 51200;

  ModelSpec spec() const {
    ModelSpec m;
    m.name = "megatron";
    m.n_layers = n_layers;
    m.d_model = d_model;
    m.vocab_size = 51200;
    m.max_seq_len = 2048;
    m.tie_embeddings = true;
    m.position.kind = PositionKind::learned;
    m.norm = {NormKind::layer_norm, 1e-5, true, true};
    m.attention.n_heads = m.attention.n_kv_heads = n_heads;
    m.attention.head_dim = d_model / n_heads;
    m.attention.qkv_bias = m.attention.out_bias = true;
    m.mlp = {4 * d_model, ActivationKind::gelu_tanh, true};
    return m;
  }

  /// Narayanan, eq. 2. It leaves out the last norm (2h).
  double parameters() const {
    return 12 * L() * h() * h() * (1 + 13 / (12 * h()) + (V + s) / (12 * L() * h()));
  }
  /// Narayanan, eq. 3: FLOPs of one iteration of B sequences, every layer computed again.
  double recomputed_flops(double B) const {
    return 96 * B * s * L() * h() * h() * (1 + s / (6 * h()) + V / (16 * L() * h()));
  }
  /// Korthikanti, model FLOPs of one iteration of B sequences.
  double model_flops(double B) const {
    return 72 * B * s * L() * h() * h() * (1 + s / (6 * h()) + V / (12 * h() * L()));
  }
};

/// Narayanan, table 1.
constexpr MegatronModel sc21_models[] = {{1.7, 24, 2304, 24},      {3.6, 32, 3072, 30},
                                         {7.5, 32, 4096, 36},      {18.4, 48, 6144, 40},
                                         {39.1, 64, 8192, 48},     {76.1, 80, 10240, 60},
                                         {145.6, 96, 12288, 80},   {310.1, 128, 16384, 96},
                                         {529.6, 128, 20480, 105}, {1008.0, 160, 25600, 128}};

}  // namespace aforo::test
