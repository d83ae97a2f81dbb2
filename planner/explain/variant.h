#pragma once
// One way to run the job, and what it needs and takes by the fast evaluation.

#include <string>
#include <vector>

#include "planner/fast/cluster.h"
#include "planner/fast/engine.h"
#include "planner/fast/memory.h"
#include "planner/fast/setup.h"
#include "planner/fast/time.h"

namespace aforo::explain {

/// Plain values: strategies change copies of them.
struct Variant {
  fast::Setup setup;
  fast::Cluster cluster;
  const fast::EngineSpec* engine = nullptr;
  const fast::EngineSpec* kernels = nullptr;  ///< whose layer kernels run; null: the engine's own
  double usd_per_device_hour = 0;             ///< 0: no price is known
};

/// What all variants of one question share.
struct World {
  const fast::Constants* constants = nullptr;
  const std::vector<fast::EngineSpec>* engines = nullptr;
  double n_tokens = 0;  ///< of the whole job
  LoraSpec lora;        ///< what adapters would be like
};

/// Bytes are those of the fullest device; hours and dollars those of the whole job.
struct Outcome {
  fast::MemoryParts memory;
  fast::TimeParts time;
  bool fits = false;
  double device_bytes = 0, capacity_bytes = 0;
  double step_s = 0, tokens_per_s = 0, hours = 0;
  double usd = 0;   ///< 0 without a price
  double kept = 0;  ///< bytes of activations that wait for backward, wherever the peak is

  double states() const {
    return memory.weights + memory.master + memory.optimizer_states + memory.gradients;
  }
  double activations() const { return memory.activations + memory.working; }
  /// The peak is the optimizer's update: no activation is there any more.
  bool peaks_at_update() const { return memory.activations == 0 && memory.logits == 0; }
};

/// Time is computed for variants that do not fit too: as if the card had the memory.
Outcome evaluate(const Variant& variant, const World& world);

/// Why the variant cannot exist (batch, experts, engine, card); "" if it can. Whether it fits is
/// no question here.
std::string obstacle(const Variant& variant);

/// Why aforo's own runtime cannot execute it today; "" if it can.
std::string native_obstacle(const Variant& variant);

/// The divisor of the batch per rank, up to 64, that fits and is fastest; 0 if none fits.
int best_micro_batch(Variant variant, const World& world);

/// "bf16, dp 8, fsdp, micro_batch_size 1"
std::string describe(const Variant& variant);

}  // namespace aforo::explain
