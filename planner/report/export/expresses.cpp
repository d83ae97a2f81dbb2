#include "planner/report/export/expresses.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

/// Collects what a target cannot say.
class Differences {
 public:
  template <typename E>
  void value(std::string_view key, E value, const std::vector<E>& known) {
    if (known.empty() || std::find(known.begin(), known.end(), value) != known.end()) return;
    std::vector<std::string_view> names;
    for (const E other : known) names.push_back(enum_name(other));
    found_.push_back(
        fmt::format("{} {} (it has {})", key, enum_name(value), fmt::join(names, ", ")));
  }
  void degree(std::string_view key, int degree, bool known) {
    if (degree > 1 && !known) found_.push_back(fmt::format("{} {} (it has 1)", key, degree));
  }
  void recompute(RecomputeForm form, const std::vector<Recompute>& layers) {
    const FrontRecompute front = front_recompute(layers);
    const int n = static_cast<int>(layers.size());
    const bool alike = front.ordered && (front.full_layers == 0 || front.full_layers == n);
    const bool in_front = front.ordered && !front.selective;
    const char* has = nullptr;
    if (form == RecomputeForm::whole && !(alike && !front.selective))
      has = "none, or full on all layers";
    if (form == RecomputeForm::selective && !alike) has = "none, selective, or full on all layers";
    if (form == RecomputeForm::front && !in_front) has = "full on the front layers, else none";
    if (form == RecomputeForm::either && !alike && !in_front)
      has = "selective on all layers; or full on the front layers, else none";
    if (has != nullptr)
      found_.push_back(fmt::format("recompute {} (it has {})", describe_recompute(layers), has));
  }
  std::vector<std::string> take() { return std::move(found_); }

 private:
  std::vector<std::string> found_;
};

}  // namespace

FrontRecompute front_recompute(const std::vector<Recompute>& layers) {
  FrontRecompute front;
  const auto rest = std::find_if(layers.begin(), layers.end(),
                                 [](Recompute kind) { return kind != Recompute::full; });
  front.full_layers = static_cast<int>(rest - layers.begin());
  if (rest == layers.end()) return front;
  front.selective = *rest == Recompute::selective;
  front.ordered = std::all_of(rest, layers.end(), [&](Recompute kind) { return kind == *rest; });
  return front;
}

std::vector<std::string> differences(const Expresses& target, const PlanFile& file) {
  const Plan& plan = file.plan;
  const Parallelism& p = plan.parallel;
  Differences found;
  // On one data-parallel rank nothing is sharded, whatever the plan calls it.
  if (p.dp * p.cp > 1) found.value("sharding", p.sharding, target.shardings);
  found.degree("tp", p.tp, target.tp);
  found.degree("pp", p.pp, target.pp);
  found.degree("vpp", p.vpp, target.vpp);
  found.degree("cp", p.cp, target.cp);
  found.degree("ep", p.ep, target.ep);
  found.value("precision", plan.precision, target.precisions);
  found.value("method", file.job.method, target.methods);
  found.value("optimizer", file.job.optimizer.kind, target.optimizers);
  found.value("schedule", file.job.schedule.kind, target.schedules);
  found.value("offload_states", plan.offload_states, target.offload_states);
  found.value("offload_activations", plan.offload_activations, target.offload_activations);
  found.recompute(target.recompute, plan.recompute);
  return found.take();
}

}  // namespace aforo
