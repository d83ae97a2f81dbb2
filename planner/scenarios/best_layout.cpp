#include "planner/scenarios/best_layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "planner/base/format.h"
#include "planner/fast/setup_of_job.h"
#include "planner/search/suggest.h"

namespace aforo::scenarios {
namespace {

constexpr double usable_share = 0.95;
constexpr double bound_margin = 0.9;

std::vector<const fast::EngineSpec*> engines_for(const Scenario& scenario, const World& world,
                                                 const Site& site) {
  std::vector<const fast::EngineSpec*> engines;
  const TrainingJob& job = scenario.job;
  for (const std::string& name : scenario.engines) {
    const fast::EngineSpec& engine = fast::find_engine(world.engines, name);
    if (engine.runs_on_kind(site.card->kind) && engine.trains(job.method))
      engines.push_back(&engine);
  }
  if (!scenario.engines.empty()) return engines;
  for (const fast::EngineSpec& engine : world.engines) {
    // As `aforo plan` proposes them: the usual kind of device, and native where it executes the
    // job.
    const bool usual = engine.runs_on.front() == site.card->kind;
    const bool experts = !job.model.is_moe() || engine.supports.moe;
    const bool alone = !engine.native || (site.n_devices == 1 && !job.model.is_mla() &&
                                          job.optimizer.kind <= OptimizerKind::sgd);
    if (engine.proposed && usual && experts && alone && engine.trains(job.method))
      engines.push_back(&engine);
  }
  return engines;
}

/// Powers of two: others never won where they were tried, and cost a search as many times over.
std::vector<int> micro_batch_sizes(int global_batch_size) {
  std::vector<int> sizes;
  for (int size = 1; size <= 64; size *= 2)
    if (global_batch_size % size == 0) sizes.push_back(size);
  return sizes;
}

LatticeRequest request_for(const Scenario& scenario, const World& world, const Site& site,
                           const fast::EngineSpec& engine) {
  LatticeRequest request;
  request.base = fast::setup_of(scenario.job, Plan{}, engine, *site.card);
  request.cluster = fast::cluster_of(*site.card, site.n_devices);
  request.engine = &engine;
  request.constants = &world.constants;
  request.space.n_devices = {site.n_devices};
  request.space.types = {fast::usual_matrix(*site.card)};
  request.space.micro_batch_sizes = micro_batch_sizes(scenario.job.global_batch_size);
  if (scenario.job.seq_len < 16384) request.space.cp = {1};  // shorter ones gain nothing by a split
  request.memory_limit = usable_share * static_cast<double>(site.card->usable_memory.value);
  request.host_memory = host_bytes_per_device;
  request.n_tokens = static_cast<double>(scenario.job.n_tokens);
  request.keep = 16;
  return request;
}

bool faster(const LatticePlan& a, const LatticePlan& b) { return a.hours < b.hours; }

}  // namespace

SiteAnswer best_layout(const Scenario& scenario, const World& world, const Site& site) {
  SiteAnswer answer;
  std::optional<LatticePlan> best;
  const fast::EngineSpec* best_engine = nullptr;
  for (bool offload : {false, true}) {
    for (const fast::EngineSpec* engine : engines_for(scenario, world, site)) {
      if (offload && !engine->supports.offload_states) continue;
      LatticeRequest request = request_for(scenario, world, site, *engine);
      request.space.offload_states = offload;
      const LatticeResult result = search_lattice(request);
      answer.n_considered += result.n_considered;
      if (result.nearest && (!answer.nearest || result.nearest->memory < answer.nearest->memory)) {
        answer.nearest = result.nearest;
        answer.nearest_engine = engine;
      }
      if (result.best.empty() || (best && !faster(result.best.front(), *best))) continue;
      best = result.best.front();
      best_engine = engine;
    }
    if (best) break;
  }
  if (!best) return answer;
  answer.best = std::make_unique<SiteLayout>(
      SiteLayout{best_engine, fast::cluster_of(*site.card, site.n_devices), *best, {}});
  answer.best->estimate = estimate_layout(scenario.job, best->setup, answer.best->cluster,
                                          *best_engine, world.constants, world.ranges);
  return answer;
}

std::vector<std::string> ways_out(const Scenario& scenario, const World& world, const Site& site,
                                  const fast::EngineSpec& engine) {
  LatticeRequest request = request_for(scenario, world, site, engine);
  request.space.offload_states = true;
  std::vector<std::string> ways;
  for (const Suggestion& change : suggest_changes(request, world.cards))
    ways.push_back(fmt::format("{}: then {:.1f} GiB, {} of training", change.text,
                               change.plan.memory / gibi,
                               format_time(Seconds(change.plan.hours * 3600))));
  return ways;
}

double least_hours(const Scenario& scenario, const World& world, const Site& site) {
  const fast::Cluster cluster = fast::cluster_of(*site.card, site.n_devices);
  const double wide = fast::peak_or(*site.card, "bf16", fast::peak_or(*site.card, "fp16", 0));
  double rate = 0;
  for (const fast::EngineSpec* engine : engines_for(scenario, world, site)) {
    const double reached = fast::rate_recipe(world.constants, cluster, *engine)
                               .rates(world.constants)[fast::Rate::gemm_16];
    rate = std::max(rate, engine->native ? std::max(reached, wide) : reached);
  }
  if (rate <= 0) return 0;
  const double share = scenario.job.method == Method::full ? 1 : 2.0 / 3;
  const FlopsPerToken flops = flops_per_token(scenario.job.model, scenario.job.seq_len);
  const double work = share * flops.causal * static_cast<double>(scenario.job.n_tokens);
  return bound_margin * work / (rate * site.n_devices) / 3600;
}

}  // namespace aforo::scenarios
