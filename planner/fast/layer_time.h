#pragma once
// Seconds of one layer: the block costs that a search computes once and composes millions of times.

#include "planner/fast/kernels.h"

namespace aforo::fast {

/// Seconds of one layer and micro-step.
struct LayerTime {
  double products_f = 0, products_b = 0;
  double attention_f = 0, attention_b = 0;
  double passes_f = 0, passes_b = 0;
  double weight_gradients = 0;  ///< of products_b: what no earlier layer waits for
  double weight_casts = 0;      ///< fp8 copies of the weights, once a step: micro-steps share them
  double again_full = 0;        ///< recomputation of a layer that keeps its input only
  double again_partial = 0;     ///< of a layer under the selective switches
  double flops_f = 0, flops_b = 0, flops_again = 0;
  double forward() const { return products_f + attention_f + passes_f; }
  double backward() const { return products_b + attention_b + passes_b; }
};

/// Depends on the setup's shard shapes, micro-batch, types and selective switches; not on dp, pp,
/// sharding, accumulation or the number of layers computed again.
LayerTime layer_time(const Setup& setup, const Rates& rates, const Kernels& kernels,
                     const LayerWork& work);

}  // namespace aforo::fast
