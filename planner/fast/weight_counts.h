#pragma once
// Parameters as one device holds them: split over stages, tensor- and expert-parallel ranks, before
// data-parallel ranks share them.

#include "planner/fast/engine.h"
#include "planner/fast/pipeline_stage.h"
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

/// Elements of one pipeline stage on one device.
struct StageWeights {
  double layers = 0;     ///< matrices and vectors, without experts
  double quantized = 0;  ///< what QLoRA quantizes: matrices and experts
  double experts = 0;
  double embedding = 0, head = 0;  ///< token tables
  double vectors = 0;              ///< positions and the final norm
  double adapters = 0;
  double largest_layer = 0;
  double ends() const { return embedding + head + vectors; }
  double all() const { return layers + experts + ends(); }
};

StageWeights stage_weights(const Setup& setup, const MemoryStyle& style,
                           const PipelineStage& stage);

/// Rows of the token tables over all tensor-parallel ranks.
double padded_vocab(const Setup& setup, const MemoryStyle& style);

}  // namespace aforo::fast
