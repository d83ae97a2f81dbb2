#pragma once
// Seconds of one optimizer step for a setup on a cluster, part by part, without lowering.

#include <optional>

#include "planner/fast/layer_time.h"
#include "planner/fast/native_time.h"

namespace aforo::fast {

/// One device's seconds per optimizer step. `compute` parts are busy time of the slowest stage.
struct TimeParts {
  double products = 0;  ///< matrix products of the layers
  double attention = 0;
  double passes = 0;                      ///< norms, activations, casts, adapters, routing
  double recompute = 0;                   ///< all that is computed again
  double head = 0;                        ///< LM head and loss
  double host = 0;                        ///< waiting for the host to issue work
  double bubble = 0;                      ///< pipeline fill, drain and imbalance
  double tp = 0, cp = 0, ep = 0, pp = 0;  ///< exposed communication
  double dp = 0;                          ///< exposed gradient and weight communication
  double optimizer = 0;
  double offload = 0;
  double fixed = 0;
  double step = 0;  ///< the whole: their sum, stragglers included

  double forward_share = 1.0 / 3;  ///< of the micro-steps' seconds, without what is computed again
  double hardware_flops = 0;       ///< executed by one device, recomputation included
};

/// LM head and loss of one micro-step.
struct HeadTime {
  double time = 0, weights = 0, flops = 0;
  double forward_share = 1.0 / 3;  ///< of its time: two of three products are backward
};

/// What a step is composed of. Stays valid while shard shapes (tp, cp, ep), micro-batch, sequence,
/// types, method and selective switches stay; native's also needs the same dp and the same choice
/// between one and several micro-steps.
struct Blocks {
  LayerWork dense_work, moe_work;
  LayerTime dense, moe;
  HeadTime head;
  double input_bytes = 0;               ///< a layer keeps under full recomputation
  double dense_kept = 0, moe_kept = 0;  ///< and under the selective switches
  double dense_all = 0, moe_all = 0;    ///< and without recomputation
  std::optional<NativeBlocks> native;   ///< stands for all others where the engine runs programs
};
Blocks block_costs(const Setup& setup, const Cluster& cluster, const Rates& rates);

/// Fills the times of blocks whose works are there.
void time_blocks(const Setup& setup, const Cluster& cluster, const Rates& rates, Blocks& blocks);

/// A native step as its program has it; only stragglers lie outside.
TimeParts native_step(const Setup& setup, const Cluster& cluster, const Rates& rates,
                      const NativeBlocks& blocks);

/// Composes a step from its blocks: cost does not grow with depth.
TimeParts time_parts(const Setup& setup, const Cluster& cluster, const Rates& rates,
                     const Blocks& blocks);
TimeParts time_parts(const Setup& setup, const Cluster& cluster, const Rates& rates);

}  // namespace aforo::fast
