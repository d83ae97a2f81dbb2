#pragma once
// The fastest way to run a scenario's job on one site. All ways pay the same by the hour there, so
// it is the cheapest too.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "planner/scenarios/sites.h"
#include "planner/search/layout_estimate.h"

namespace aforo::scenarios {

struct SiteLayout {
  const fast::EngineSpec* engine = nullptr;
  fast::Cluster cluster;
  LatticePlan plan;  ///< points into the scenario's job
  LayoutEstimate estimate;
};

struct SiteAnswer {
  std::unique_ptr<SiteLayout> best;    ///< null: nothing fits
  std::optional<LatticePlan> nearest;  ///< then: what comes closest to fitting
  const fast::EngineSpec* nearest_engine = nullptr;
  std::int64_t n_considered = 0;
};

/// Searches every engine that the scenario allows and that the card runs, with 16 bits (32 where
/// the card has none). A twentieth of the memory stays free. States may wait on the host where
/// nothing fits without, and the host has `host_bytes_per_device`. Throws InputError on an engine
/// that is unknown.
SiteAnswer best_layout(const Scenario& scenario, const World& world, const Site& site);

/// What would have to change for the job to fit on the site, each change alone, least invasive
/// first.
std::vector<std::string> ways_out(const Scenario& scenario, const World& world, const Site& site,
                                  const fast::EngineSpec& engine);

/// Host memory beside one device that offloaded states may fill: assumed, since offers do not say.
constexpr double host_bytes_per_device = 32.0 * (1 << 30);

/// A bound that no layout goes below: the model's FLOPs at the rate that the card's largest
/// products reach, of which a tenth is left as a margin. Adapters save a third of them: no
/// gradients of weights.
double least_hours(const Scenario& scenario, const World& world, const Site& site);

}  // namespace aforo::scenarios
