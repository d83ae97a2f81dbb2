#pragma once
// Seconds of native's step, part by part, from the ops of a few lowered layers.

#include "planner/fast/op_time.h"
#include "planner/fast/setup.h"

namespace aforo::fast {

/// Parts of a step that native's ops fall into, and what they compute.
enum class NativePart { products, attention, passes, recompute, head, optimizer, dp, flops, count };
constexpr int n_native_parts = static_cast<int>(NativePart::count);

/// Seconds by part (and FLOPs) of a micro-step, and of what happens once a step.
struct NativeCost {
  std::array<double, n_native_parts> micro{}, once{};

  NativeCost plus(const NativeCost& other, double times) const;
  double total(NativePart part, double n_micro) const {
    return once[static_cast<int>(part)] + n_micro * micro[static_cast<int>(part)];
  }
};

/// All that a native step's time is composed of: what depends on no layer, and one layer of each
/// sort. Stays valid while micro-batch, sequence, type, dp, optimizer, selective switch and the
/// choice between one and several micro-steps stay.
struct NativeBlocks {
  NativeCost ends;
  std::array<std::array<NativeCost, 2>, 2> layer;  ///< [computed again in full][with a window]
  double overhead = 0;                             ///< once a step
};
NativeBlocks native_blocks(const Setup& setup, const Cluster& cluster, const Rates& rates);

/// The whole step: cost does not grow with depth.
NativeCost native_cost(const Setup& setup, const NativeBlocks& blocks);

}  // namespace aforo::fast
