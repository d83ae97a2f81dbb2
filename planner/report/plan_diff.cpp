#include "planner/report/plan_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <type_traits>

#include "planner/report/export/facts.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

class Settings {
 public:
  template <typename T>
  void add(const char* key, const T& before, const T& after) {
    if (before == after) return;
    if constexpr (std::is_enum_v<T>)
      found_.push_back({key, std::string(enum_name(before)), std::string(enum_name(after))});
    else
      found_.push_back({key, fmt::format("{}", before), fmt::format("{}", after)});
  }
  std::vector<ChangedSetting> take() { return std::move(found_); }

 private:
  std::vector<ChangedSetting> found_;
};

void add_job(Settings& settings, const TrainingJob& a, const TrainingJob& b) {
  settings.add("model", a.model.name, b.model.name);
  if (a.model.name == b.model.name && a.model != b.model)
    settings.add("parameters", count_parameters(a.model).total(),
                 count_parameters(b.model).total());
  settings.add("seq_len", a.seq_len, b.seq_len);
  settings.add("global_batch_size", a.global_batch_size, b.global_batch_size);
  settings.add("n_tokens", a.n_tokens, b.n_tokens);
  settings.add("method", a.method, b.method);
  settings.add("lora.rank", a.lora.rank, b.lora.rank);
  settings.add("optimizer", a.optimizer.kind, b.optimizer.kind);
  settings.add("learning_rate", a.optimizer.learning_rate, b.optimizer.learning_rate);
}

void add_plan(Settings& settings, const Plan& a, const Plan& b) {
  settings.add("engine", a.engine, b.engine);
  settings.add("precision", a.precision, b.precision);
  settings.add("recompute", describe_recompute(a.recompute), describe_recompute(b.recompute));
  settings.add("micro_batch_size", a.micro_batch_size, b.micro_batch_size);
  const Parallelism &p = a.parallel, &q = b.parallel;
  settings.add("dp", p.dp, q.dp);
  settings.add("tp", p.tp, q.tp);
  settings.add("pp", p.pp, q.pp);
  settings.add("vpp", p.vpp, q.vpp);
  settings.add("cp", p.cp, q.cp);
  settings.add("ep", p.ep, q.ep);
  settings.add("sharding", p.sharding, q.sharding);
  settings.add("offload_states", a.offload_states, b.offload_states);
  settings.add("offload_activations", a.offload_activations, b.offload_activations);
}

Interval device_hours(const PlanFile& file) {
  const Interval hours = predicted_hours(file);
  const double n = file.plan.parallel.world_size();
  return {n * hours.low, n * hours.mid, n * hours.high};
}

Interval memory_of(const PlanFile& file) {
  const double bytes = static_cast<double>(file.prediction.memory_bytes);
  return {bytes, bytes, bytes};
}

}  // namespace

double ChangedQuantity::change() const {
  if (before.mid == after.mid) return 0;
  if (before.mid == 0) return std::numeric_limits<double>::infinity();
  return (after.mid - before.mid) / before.mid;
}

bool ChangedQuantity::within_spread() const {
  return before.low < before.high && before.low <= after.high && after.low <= before.high;
}

PlanDiff diff_plans(const PlanFile& before, const PlanFile& after) {
  PlanDiff diff;
  Settings settings;
  settings.add("hardware", before.hardware, after.hardware);
  add_job(settings, before.job, after.job);
  add_plan(settings, before.plan, after.plan);
  diff.settings = settings.take();
  const auto usd = predicted_dollars(before), usd_after = predicted_dollars(after);
  diff.priced = usd && usd_after;
  diff.cost = diff.priced ? ChangedQuantity{"cost", *usd, *usd_after}
                          : ChangedQuantity{"cost", device_hours(before), device_hours(after)};
  diff.time = {"time", predicted_hours(before), predicted_hours(after)};
  diff.memory = {"memory", memory_of(before), memory_of(after)};
  diff.throughput = {"throughput", predicted_tokens_per_second(before),
                     predicted_tokens_per_second(after)};
  return diff;
}

std::vector<const ChangedQuantity*> over_limit(const PlanDiff& diff,
                                               const std::vector<std::string>& names,
                                               double limit) {
  std::vector<const ChangedQuantity*> over;
  for (const ChangedQuantity* quantity : {&diff.cost, &diff.time, &diff.memory})
    if (std::find(names.begin(), names.end(), quantity->name) != names.end() &&
        quantity->change() > limit)
      over.push_back(quantity);
  return over;
}

}  // namespace aforo
