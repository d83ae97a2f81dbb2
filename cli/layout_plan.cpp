#include <fmt/format.h>

#include <algorithm>

#include "cli/layout_search.h"
#include "cli/version.h"
#include "planner/base/files.h"
#include "planner/spec/plan_file.h"

namespace aforo::cli {
namespace {

Plan plan_of(const Layout& layout) {
  const fast::Setup& s = layout.plan.setup;
  constexpr Precision precisions[] = {Precision::fp32, Precision::tf32, Precision::fp16,
                                      Precision::bf16, Precision::fp8,  Precision::fp4};
  Plan plan;
  plan.precision = precisions[static_cast<int>(s.matrix)];
  const Recompute others = s.recompute.norm ? Recompute::selective : Recompute::none;
  plan.recompute.assign(s.model->n_layers, others);
  std::fill_n(plan.recompute.begin(), s.recompute.full_layers, Recompute::full);
  plan.micro_batch_size = s.micro_batch_size;
  plan.parallel = s.parallel;
  plan.engine = layout.engine->name;
  plan.offload_states = s.offload_states;
  plan.offload_activations = s.offload_activations;
  return plan;
}

PlanFile plan_file(const Layout& layout, const std::string& why) {
  const LayoutEstimate& e = layout.estimate;
  PlanFile file;
  file.aforo_version = aforo_version;
  file.fingerprint = "none";  // no program of ours: another engine runs it
  file.target = layout.engine->name;
  file.hardware = layout.device.name;
  file.job = *layout.job;
  file.plan = plan_of(layout);
  file.prediction.arena_bytes = static_cast<std::int64_t>(e.memory.allocated());
  file.prediction.memory_bytes = static_cast<std::int64_t>(e.memory_bytes.mid);
  file.prediction.step_time_low = e.step_time.low;
  file.prediction.step_time = e.step_time.mid;
  file.prediction.step_time_high = e.step_time.high;
  file.prediction.tokens_per_second = e.tokens_per_second.mid;
  file.prediction.hours = e.hours.mid;
  if (layout.device.price_per_device) {
    file.prediction.dollars = cost(e.device_hours, *layout.device.price_per_device).mid;
    file.prediction.price_source = layout.device.price_source;
  }
  file.why = {why};
  return file;
}

int infeasible(const LayoutRanking& ranking) {
  fmt::print(stderr, "aforo: no plan\n{}", rejected_text(ranking.counts));
  for (const std::string& suggestion : ranking.suggestions)
    fmt::print(stderr, "  {}\n", suggestion);
  const auto rejected = [&](Obstacle o) { return ranking.counts.rejected[static_cast<int>(o)]; };
  const bool money = rejected(Obstacle::over_budget) + rejected(Obstacle::over_deadline) > 0;
  return static_cast<int>(money ? ExitCode::over_budget : ExitCode::infeasible);
}

}  // namespace

int plan_layout_command(const Arguments& args) {
  const std::vector<Offer> offers = read_offers(args);
  int most = 1;
  for (const Offer& offer : offers) most = std::max(most, offer.line.count);
  const TrainingJob job = read_job(args, 16 * most);
  const LayoutWorld world;
  const LayoutRanking ranking = rank_layouts(args, world, job, offers);
  if (args.json()) fmt::print("{}", ranking_json(ranking));
  if (ranking.ranked.empty()) return infeasible(ranking);
  const Layout& best = ranking.ranked.front();
  const std::string why =
      fmt::format("{} of {} plans that fit; limited by {}",
                  read_objective(args) == Objective::money ? "cheapest" : "fastest",
                  ranking.counts.n_fit, best.estimate.limited_by);
  const auto output = args.find<std::string>("output");
  if (output) write_file(*output, write_plan_file(plan_file(best, why)));
  if (args.json()) return 0;
  fmt::print("{}\n{}why: {}\n", layout_text(best, false), ranking_text(ranking), why);
  if (output)
    fmt::print("\nWrote {}: a plan for engine {}, which `aforo run` does not execute\n", *output,
               best.engine->name);
  return 0;
}

}  // namespace aforo::cli
