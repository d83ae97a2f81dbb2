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
  /// `many`: the option of `aforo plan` takes a list.
  template <typename E>
  void value(std::string_view key, const char* option, bool many, E value,
             const std::vector<E>& known) {
    if (known.empty() || std::find(known.begin(), known.end(), value) != known.end()) return;
    std::vector<std::string_view> names;
    for (const E other : known) names.push_back(enum_name(other));
    found_.push_back(
        {fmt::format("{} {} (it has {})", key, enum_name(value), fmt::join(names, ", ")),
         fmt::format(
             "--{} {}", option,
             many ? fmt::format("{}", fmt::join(names, ",")) : std::string(names.front()))});
  }
  void degree(const char* key, int degree, bool known) {
    if (degree > 1 && !known)
      found_.push_back({fmt::format("{} {} (it has 1)", key, degree), fmt::format("--{} 1", key)});
  }
  void recompute(RecomputeForm form, const std::vector<Recompute>& layers) {
    const FrontRecompute front = front_recompute(layers);
    const int n = static_cast<int>(layers.size());
    const bool alike = front.ordered && (front.full_layers == 0 || front.full_layers == n);
    const bool in_front = front.ordered && !front.selective;
    const auto refuse = [&](bool bad, const char* has, const char* option) {
      if (bad)
        found_.push_back(
            {fmt::format("recompute {} (it has {})", describe_recompute(layers), has), option});
    };
    switch (form) {
      case RecomputeForm::elsewhere:
        return;
      case RecomputeForm::whole:
        return refuse(!alike || front.selective, "none, or full on all layers", "--recompute none");
      case RecomputeForm::selective:
        return refuse(!alike, "none, selective, or full on all layers", "--recompute selective");
      case RecomputeForm::front:
        return refuse(!in_front, "full on the front layers, else none", "--recompute full");
      case RecomputeForm::either:
        return refuse(!alike && !in_front,
                      "selective on all layers; or full on the front layers, else none",
                      "--recompute full");
    }
  }
  std::vector<Difference> take() { return std::move(found_); }

 private:
  std::vector<Difference> found_;
};

}  // namespace

int zero_stage(const Parallelism& parallel) {
  static_assert(static_cast<int>(Sharding::zero3) == 3 && static_cast<int>(Sharding::ddp) == 0);
  const bool alone = parallel.dp * parallel.cp == 1;
  return alone && parallel.sharding > Sharding::zero3 ? 0 : static_cast<int>(parallel.sharding);
}

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

std::vector<Difference> differences(const Expresses& target, const PlanFile& file) {
  const Plan& plan = file.plan;
  const Parallelism& p = plan.parallel;
  Differences found;
  // On one data-parallel rank nothing is sharded, whatever the plan calls it.
  if (p.dp * p.cp > 1) found.value("sharding", "sharding", true, p.sharding, target.shardings);
  found.degree("tp", p.tp, target.tp);
  found.degree("pp", p.pp, target.pp);
  found.degree("vpp", p.vpp, target.vpp);
  found.degree("cp", p.cp, target.cp);
  found.degree("ep", p.ep, target.ep);
  found.value("precision", "precision", true, plan.precision, target.precisions);
  found.value("method", "method", false, file.job.method, target.methods);
  found.value("optimizer", "optimizer", false, file.job.optimizer.kind, target.optimizers);
  found.value("schedule", "schedule", false, file.job.schedule.kind, target.schedules);
  found.value("offload_states", "offload-states", false, plan.offload_states,
              target.offload_states);
  found.value("offload_activations", "offload-activations", false, plan.offload_activations,
              target.offload_activations);
  found.recompute(target.recompute, plan.recompute);
  return found.take();
}

}  // namespace aforo
