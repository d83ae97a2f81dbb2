#pragma once
// Parameters of one layer as one device holds them: split over tensor- and expert-parallel ranks.

#include "planner/fast/setup.h"

namespace aforo::fast {

/// Elements on one device.
struct LayerWeights {
  double matrices = 0;  ///< that LoRA freezes and QLoRA quantizes; without experts
  double vectors = 0;   ///< norms and biases
  double experts = 0;   ///< routed experts of this rank
  double adapters = 0;  ///< of LoRA, if the setup has it
  double total() const { return matrices + vectors + experts; }
};

LayerWeights layer_weights(const Setup& setup, bool moe_layer);

}  // namespace aforo::fast
