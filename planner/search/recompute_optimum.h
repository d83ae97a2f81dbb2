#pragma once
// Which layers to compute again under a memory limit: the fastest choice for one layout, beside the
// uniform ones and beside keeping activations on the host instead.

#include <optional>
#include <string>
#include <vector>

#include "planner/fast/memory.h"
#include "planner/fast/time.h"

namespace aforo {

struct RecomputeChoice {
  std::string name;  ///< "none", "selective", "full", "optimal", "activations on the host"
  fast::RecomputeCounts counts;
  OffloadTo offload_activations = OffloadTo::none;
  double step_s = 0;
  double device = 0, host = 0;  ///< bytes
  bool fits = false;            ///< within the limit
};

/// What decides between choices.
struct RecomputeRequest {
  fast::Setup setup;  ///< its own recompute and offload of activations are not looked at
  fast::Cluster cluster;
  fast::Rates rates;
  const fast::EngineSpec* engine = nullptr;
  double memory_limit = 0;  ///< bytes of a device
  double host_memory = 0;   ///< bytes per device that offload may use; 0: unlimited
};

/// The fastest of all numbers of layers that are computed again in full, selectively, and not at
/// all (layers of a kind cost the same, so only their numbers matter); `offloaded` keeps what they
/// keep on the host. Engines that treat all other layers alike
/// (EngineSupport::recompute_per_layer false) have selective or kept layers beside full ones, not
/// both. With a larger limit a step never takes longer, since every choice that fitted still does.
/// Nothing if even full recomputation does not fit. Costs O(n_layers log n_layers) evaluations.
std::optional<RecomputeChoice> best_recompute(const RecomputeRequest& request, bool offloaded);

/// none, selective, full, the optimum and, where the engine offloads, the best with activations on
/// the host; all priced, whether they fit or not.
std::vector<RecomputeChoice> recompute_choices(const RecomputeRequest& request);

/// "full x12, selective x8, none x12"
std::string describe(const fast::RecomputeCounts& counts, int n_layers);

}  // namespace aforo
