#pragma once
// The matrix products, attention and passes of one layer on one device, as numbers: what the fast
// evaluation prices. Shapes are those of the shard (tensor, context and expert parallel).

#include <array>
#include <cstdint>

#include "planner/fast/setup.h"

namespace aforo::fast {

/// C[m,n] = A[m,k] B[k,n], `batch` times in one launch.
struct Product {
  double m = 0, n = 0, k = 0;
  double batch = 1;
  bool frozen = false;        ///< the weight is not trained: no weight gradient
  bool grouped = false;       ///< experts: one launch over all of them
  bool low_precision = true;  ///< may run in fp8 where the setup does
};

/// One layer, forward. Byte counts are elements; the setup's types decide their size.
struct LayerWork {
  std::array<Product, 12> products{};
  int n_products = 0;
  int first_mlp = 0;           ///< index of the first product of the MLP
  int n_up = 0;                ///< how many of them come before the activation
  double attention_flops = 0;  ///< fused, forward: 4 x head_dim x visible pairs
  double head_dim = 128;
  double context = 0;         ///< keys a sequence has
  double score_elements = 0;  ///< of unfused attention: batch x heads x s x s
  double norm_elements = 0;   ///< read or written by norms and residual sums
  double core_elements = 0;   ///< by rotations and q/k norms
  double activation_elements = 0;
  double route_elements = 0;    ///< moved by permuting tokens to experts and back
  double adapter_elements = 0;  ///< inputs read and outputs added by adapters
  double weights = 0;           ///< parameters of the layer on this device, unsharded over data
  double trained = 0;           ///< of which trained (adapters of LoRA included)
  double expert_weights = 0;    ///< of `weights`: experts, replicated only over dp / ep
  int n_kernels = 0;            ///< forward launches that are not products

  void add(Product product) { products[n_products++] = product; }
};

/// Tokens of one micro-batch on one device (context-parallel share).
double local_tokens(const Setup& setup);

/// Average keys a query sees in the layers of this kind, causal, windows included.
LayerWork layer_work(const Setup& setup, bool moe_layer);

/// Layers that hold the dense MLP and layers that hold experts.
struct LayerCounts {
  int dense = 0, moe = 0;
  int total() const { return dense + moe; }
};
LayerCounts layer_counts(const ModelSpec& model);

}  // namespace aforo::fast
