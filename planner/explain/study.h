#pragma once
// Three looks around one plan: what fits beside it, what each of its choices brings, and what its
// price hangs on.

#include <string>
#include <vector>

#include "planner/explain/variant.h"

namespace aforo::explain {

/// Memory over sequence length (rows) and micro-batch (columns), all else as in the plan.
struct FitStudy {
  std::vector<int> seq_lens, micro_batch_sizes;
  std::vector<std::vector<Outcome>> cells;
};
/// Powers of two around the plan: a quarter to eight times its seq_len (not beyond what the model's
/// learned positions allow), micro-batches 1 to 32.
FitStudy fit_study(const Variant& plan, const World& world);

/// A plan on the way from plain training to the chosen one.
struct Rung {
  std::string name;  ///< "bf16", "recompute full on 32 layers"
  Outcome outcome;
};
/// First plain data-parallel fp32 training that keeps everything, then one choice of the plan more
/// at a time, in the order precision, parallelism, sharding, recomputation, optimizer states,
/// offload. Choices that the plan does not make are left out; the last rung is the plan.
std::vector<Rung> ladder(const Variant& plan, const World& world);

/// Hours of the whole job if one figure is 20 % lower or higher than assumed.
struct Sway {
  std::string name;  ///< "matrix rate", "memory bandwidth", "network between machines"
  double low = 0;    ///< hours with the figure 20 % lower
  double high = 0;   ///< and 20 % higher
  double width() const { return low > high ? low - high : high - low; }
};
constexpr double sway_share = 0.2;
/// Widest first; what changes nothing is left out.
std::vector<Sway> sensitivity(const Variant& plan, const World& world);

}  // namespace aforo::explain
