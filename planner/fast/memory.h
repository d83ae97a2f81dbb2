#pragma once
// Peak memory of one device for a setup, part by part, without lowering.

#include "planner/fast/engine.h"
#include "planner/fast/setup.h"

namespace aforo::fast {

/// Bytes of the fullest rank at its peak. What the allocator hands out is the sum of all parts but
/// `context`, `slack` and `cache`.
struct MemoryParts {
  double weights = 0;  ///< compute copy, resident share
  double master = 0;
  double optimizer_states = 0;
  double gradients = 0;
  double gathered = 0;     ///< unsharded weights and gradients in flight
  double activations = 0;  ///< kept for backward, all micro-batches in flight
  double working = 0;      ///< live beside them at the peak: one layer's working set, recomputed
  double logits = 0;       ///< logits, loss and their gradient
  double workspace = 0;    ///< matrix-product and attention workspaces
  double slack = 0;        ///< reserved by a caching allocator but not in use
  double cache = 0;        ///< reserved too, but given back when memory gets short
  double context = 0;      ///< driver context, libraries, communicators
  double host = 0;         ///< pinned host memory (offload)
  double disk = 0;         ///< bytes on local drives (offload to nvme)

  double allocated() const {
    return weights + master + optimizer_states + gradients + gathered + activations + working +
           logits + workspace;
  }
  double reserved() const { return allocated() + slack + cache; }
  double device() const { return reserved() + context; }  ///< what nvidia-smi shows
  double required() const { return device() - cache; }    ///< with less the run fails
};

/// Native's setups that lowering makes a program of: that program's arena, composed of short ones
/// (native_memory.h). Others: the account at the worst of four moments: the loss, the backward pass
/// of the last layer, that of the first, the update. With pipelines: of the stage
/// `setup.report_stage`, or of the fuller end.
MemoryParts memory_parts(const Setup& setup, const EngineSpec& engine);

/// The same stage phase by phase. Of native too by the account, which is not its arena to the byte.
struct MemoryPhases {
  MemoryParts load;        ///< weights as they come, before states exist
  MemoryParts forward;     ///< at the loss: everything is kept
  MemoryParts backward;    ///< of the last layer or of the first
  MemoryParts update;      ///< the optimizer step
  MemoryParts evaluation;  ///< a forward pass that keeps nothing
};
MemoryPhases memory_phases(const Setup& setup, const EngineSpec& engine);

}  // namespace aforo::fast
