#pragma once
// What `aforo estimate` and `aforo plan` say of layouts over many devices and other engines.

#include <string>
#include <vector>

#include "planner/base/json.h"
#include "planner/money/assumptions.h"
#include "planner/report/estimate_report.h"
#include "planner/search/lattice.h"
#include "planner/search/layout_estimate.h"
#include "planner/search/recompute_optimum.h"

namespace aforo {

/// One layout with everything that reports need.
struct Layout {
  const TrainingJob* job = nullptr;
  const fast::EngineSpec* engine = nullptr;
  const fast::Constants* constants = nullptr;
  fast::Cluster cluster;
  LatticePlan plan;
  LayoutEstimate estimate;
  DeviceLine device;
  std::string network_note;
  const money::FailureRates* failures = nullptr;  ///< null: nothing is said of them
  std::vector<RecomputeChoice> recompute_choices;  ///< where the optimum was asked for
  double recompute_limit = 0;                      ///< bytes it had to keep within
};

/// Head lines, memory and time tables; with `why` the derivation instead of the tables.
std::string layout_text(const Layout& layout, bool why);

/// Fields of an open object: plan, step_time_s, tokens_per_s, memory, time_by_part_s, cost_usd ...
void write_layout_json(JsonWriter& json, const Layout& layout);

/// What a search found: ranked layouts, the reasons of the others, the front of money and time.
struct LayoutRanking {
  std::vector<Layout> ranked;  ///< best first
  std::vector<Layout> pareto;
  LatticeResult counts;                  ///< considered, fit and rejected, over all searches
  std::vector<std::string> suggestions;  ///< if nothing fits: what would make it feasible
};
std::string ranking_text(const LayoutRanking& ranking);
std::string ranking_json(const LayoutRanking& ranking);

/// "12,345 plans: 9,876 fit; out: 2,000 do not fit in device memory ..."
std::string rejected_text(const LatticeResult& counts);

}  // namespace aforo
