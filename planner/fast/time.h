#pragma once
// Seconds of one optimizer step for a setup on a cluster, part by part, without lowering.

#include "planner/fast/layer_work.h"
#include "planner/fast/rates.h"

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

  double hardware_flops = 0;  ///< executed by one device, recomputation included
};

TimeParts time_parts(const Setup& setup, const Cluster& cluster, const Rates& rates,
                     const LayerWork& dense, const LayerWork& moe);
TimeParts time_parts(const Setup& setup, const Cluster& cluster, const Rates& rates);

}  // namespace aforo::fast
