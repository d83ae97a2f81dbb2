#pragma once
// What the passes share while one (job, plan, target) is lowered.

#include <string>
#include <vector>

#include "planner/program/program.h"
#include "planner/spec/job.h"
#include "planner/spec/plan.h"

namespace aforo {

/// One trained tensor. `weight` is what ops read; `master` is what the optimizer updates: the same
/// buffer in fp32.
struct Parameter {
  std::string name;
  BufferId weight = no_buffer;
  BufferId master = no_buffer;
  BufferId gradient = no_buffer;
  bool decays = false;  ///< two or more dimensions
  std::string block;    ///< it belongs to: "embedding", "L03", "head"
  Init init;
};

/// Parameters in one flat unit of the program, and the buffers that hold it.
struct UnitBuffers {
  std::string name;          ///< "L03.matrices"
  int unit = -1;             ///< in the program
  int layer = -1;            ///< -1: none, or several
  bool decays = false;       ///< matrices do, vectors do not
  std::vector<int> members;  ///< indices of parameters, in order

  BufferId weight = no_buffer;    ///< kept from step to step: whole, or the own part
  BufferId updated = no_buffer;   ///< what the optimizer updates: fp32, whole or the own part
  BufferId copy = no_buffer;      ///< its 16-bit copy as far as the rank updates it, or `updated`
  BufferId gradient = no_buffer;  ///< of one micro-step, or summed over them: whole
  BufferId reduced = no_buffer;   ///< summed over ranks: whole or the own part
  BufferId share = no_buffer;     ///< of `reduced`, where replicas each sum a share of it in order
  BufferId gathered_once = no_buffer;  ///< whole weights for all of a step's micro-steps
};

/// Buffers of one block's parameters; no_buffer where the model has none.
struct NormWeights {
  BufferId weight = no_buffer, bias = no_buffer;
};
struct LayerWeights {
  NormWeights norm1, norm1_out, norm2, norm2_out;
  BufferId qkv = no_buffer, qkv_bias = no_buffer, q_norm = no_buffer, k_norm = no_buffer;
  BufferId out = no_buffer, out_bias = no_buffer;
  BufferId up = no_buffer, up_bias = no_buffer, down = no_buffer, down_bias = no_buffer;
};
struct ModelWeights {
  BufferId wte = no_buffer, wpe = no_buffer, lm_head = no_buffer, lm_head_bias = no_buffer;
  NormWeights embedding_norm, final_norm;
  std::vector<LayerWeights> layers;
};

struct Lowering {
  const TrainingJob& job;
  const Plan& plan;
  PrecisionRecipe recipe;
  StepProgram program;
  std::vector<Parameter> parameters;
  ModelWeights weights;
  std::vector<std::int32_t> parameter_of;  ///< weight buffer -> index into parameters, else -1
  std::vector<UnitBuffers> units;          ///< of flat plans, in declaration order
  std::vector<BufferId> weight_slots;      ///< of yafsdp: where the layers' weights are gathered
  BufferId logits = no_buffer;
  BufferId logits_gradient = no_buffer;
};

}  // namespace aforo
