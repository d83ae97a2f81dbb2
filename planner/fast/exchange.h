#pragma once
// Communication of one step: what tensor, context and expert parallelism exchange in a micro-step,
// weights gathered and gradients scattered in it, and the reduction after the last one.

#include "planner/fast/collectives.h"
#include "planner/fast/layer_work.h"

namespace aforo::fast {

/// One micro-step of the layers of an average pipeline stage on one device, summed.
struct StageSums {
  double layers = 0;
  double forward = 0, backward = 0;  ///< seconds; backward with what is computed again
  double weight_gradients = 0;       ///< of backward
  double weight_casts = 0;           ///< seconds, once a step
  double flops = 0;
  double weights = 0, trained = 0, expert_weights = 0;  ///< elements
  double full_share = 0;                                ///< of the layers, computed again in whole
};

/// Exposed seconds of a micro-step.
struct LayerExchange {
  double tp = 0, cp = 0, ep = 0;
  double sum() const { return tp + cp + ep; }
};
LayerExchange layer_exchange(const Setup& setup, const Cluster& cluster, const Rates& rates,
                             const StageSums& sums);

/// Seconds on the wire of a micro-step, before compute hides them.
struct ShardTraffic {
  double forward = 0, backward = 0;
};
/// Weights gathered and gradients scattered in every micro-step (ZeRO-2, ZeRO-3, FSDP, YaFSDP).
/// ZeRO++ (P elements a device holds unsharded, G ranks a machine):
///
///   forward    P bytes over all ranks with qwz, else 2 P
///   backward   2 P over G ranks with hpz, else as forward
///   gradients  P / 2 inside a machine, then P / (2 G) between machines, with qgz
///
/// and a pass over memory wherever something is packed or unpacked. `head_weights` are elements.
ShardTraffic shard_traffic(const Setup& setup, const Cluster& cluster, const Rates& rates,
                           const StageSums& sums, double head_weights);

/// Exposed seconds of what follows the last micro-step: gradients of DDP, ZeRO-1, ZeRO-2, of the
/// replicas of HSDP and of TPU slices. `window` seconds of compute may hide a share of it.
double gradient_reduction(const Setup& setup, const Cluster& cluster, const Rates& rates,
                          const StageSums& sums, double head_weights, double window);

inline double data_ranks(const Parallelism& p) { return static_cast<double>(p.dp) * p.cp; }

}  // namespace aforo::fast
