#include "planner/report/export/facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "planner/base/error.h"
#include "planner/base/format.h"
#include "planner/report/estimate_json.h"
#include "planner/report/estimate_report.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

/// `mid` with the plan's relative spread of the step time.
Interval with_spread(const PlanFile& file, double mid) {
  const PlanFile::Prediction& p = file.prediction;
  if (p.step_time <= 0) return {mid, mid, mid};
  return {mid * p.step_time_low / p.step_time, mid, mid * p.step_time_high / p.step_time};
}

std::string hours_text(const Interval& hours) {
  const auto time = [](double h) { return format_time(Seconds(3600 * h)); };
  return fmt::format("{} ({} to {})", time(hours.mid), time(hours.low), time(hours.high));
}

std::string dollars_text(const Interval& usd) {
  const auto money = [](double value) { return format_dollars(Dollars(value)); };
  return fmt::format("{} ({} to {})", money(usd.mid), money(usd.low), money(usd.high));
}

std::string memory_text(const ExportRequest& request) {
  const PlanFile& file = *request.plan;
  std::string out = format_bytes(Bytes{file.prediction.memory_bytes});
  if (request.card) out += " of " + format_bytes(request.card->usable_memory);
  return out;
}

std::string price_text(const PlanFile& file) {
  const auto usd = predicted_dollars(file);
  if (!usd) return "price: none known";
  const std::string& source = file.prediction.price_source;
  return fmt::format("price: {} for the whole job, ${:.3f} an hour and device{}",
                     dollars_text(*usd), *dollars_per_device_hour(file),
                     source.empty() ? "" : " (" + source + ")");
}

}  // namespace

Interval predicted_tokens_per_second(const PlanFile& file) {
  const PlanFile::Prediction& p = file.prediction;
  const double tokens = static_cast<double>(file.job.tokens_per_step());
  if (p.step_time_low <= 0 || p.step_time_high <= 0)
    return {p.tokens_per_second, p.tokens_per_second, p.tokens_per_second};
  return {tokens / p.step_time_high, p.tokens_per_second, tokens / p.step_time_low};
}

Interval predicted_hours(const PlanFile& file) { return with_spread(file, file.prediction.hours); }

std::optional<Interval> predicted_dollars(const PlanFile& file) {
  if (file.prediction.dollars < 0) return std::nullopt;
  return with_spread(file, file.prediction.dollars);
}

std::optional<double> dollars_per_device_hour(const PlanFile& file) {
  const double device_hours = file.prediction.hours * file.plan.parallel.world_size();
  if (file.prediction.dollars < 0 || device_hours <= 0) return std::nullopt;
  // To a millionth: what division makes of a price such as 1.75 is no finer.
  return std::round(1e6 * file.prediction.dollars / device_hours) / 1e6;
}

std::string layout_words(const PlanFile& file) {
  const Plan& plan = file.plan;
  const Parallelism& p = plan.parallel;
  std::string out = fmt::format("{}, dp {}", enum_name(plan.precision), p.dp);
  const std::pair<const char*, int> degrees[] = {
      {"tp", p.tp}, {"pp", p.pp}, {"vpp", p.vpp}, {"cp", p.cp}, {"ep", p.ep}};
  for (const auto& [name, degree] : degrees)
    if (degree > 1) out += fmt::format(", {} {}", name, degree);
  out += fmt::format(", {}, micro_batch_size {} x {} micro-steps, recompute {}, seq_len {}",
                     enum_name(p.sharding), plan.micro_batch_size,
                     plan.grad_accum(file.job.global_batch_size),
                     describe_recompute(plan.recompute), file.job.seq_len);
  if (plan.offload_states != OffloadTo::none)
    out += fmt::format(", offload_states {}", enum_name(plan.offload_states));
  if (plan.offload_activations != OffloadTo::none)
    out += fmt::format(", offload_activations {}", enum_name(plan.offload_activations));
  return out;
}

std::vector<std::string> fact_lines(const ExportRequest& request) {
  const PlanFile& file = *request.plan;
  return {
      fmt::format("Written by aforo {} on {} from {} (planned by aforo {}).", request.aforo_version,
                  request.date, request.plan_path, file.aforo_version),
      fmt::format("model: {}, method {}, optimizer {}, {} tokens", file.job.model.name,
                  enum_name(file.job.method), enum_name(file.job.optimizer.kind),
                  format_count(file.job.n_tokens)),
      fmt::format("devices: {} x {}", file.plan.parallel.world_size(), file.hardware),
      "layout: " + layout_words(file),
      fmt::format("predicted for engine {}: {} tokens/s", file.plan.engine,
                  interval_text(predicted_tokens_per_second(file), 0)),
      fmt::format("memory of a device: {}", memory_text(request)),
      fmt::format("whole job: {} steps, {}", format_count(file.job.n_steps()),
                  hours_text(predicted_hours(file))),
      price_text(file),
  };
}

void write_facts(JsonWriter& json, const ExportRequest& request) {
  const PlanFile& file = *request.plan;
  json.field("aforo_version", request.aforo_version).field("date", request.date);
  json.field("plan", request.plan_path).field("model", file.job.model.name);
  json.field("engine", file.plan.engine).field("device", file.hardware);
  json.field("n_devices", file.plan.parallel.world_size()).field("layout", layout_words(file));
  write_interval_json(json, "tokens_per_s", predicted_tokens_per_second(file));
  json.field("memory_bytes", file.prediction.memory_bytes);
  json.field("n_steps", file.job.n_steps());
  write_interval_json(json, "hours", predicted_hours(file));
  if (const auto usd = predicted_dollars(file)) {
    write_interval_json(json, "cost_usd", *usd);
    json.field("usd_per_device_hour", *dollars_per_device_hour(file));
    json.field("price_source", file.prediction.price_source);
  }
}

Machines machines_of(const ExportRequest& request) {
  const int devices = request.plan->plan.parallel.world_size();
  const int usual = request.card ? std::max(1, request.card->per_node) : devices;
  const int each = std::min(request.gpus_per_node > 0 ? request.gpus_per_node : usual, devices);
  if (devices % each != 0)
    throw InputError(fmt::format(
        "the plan has {} devices, which do not fill machines of {}; give --gpus-per-node", devices,
        each));
  return {devices / each, each};
}

}  // namespace aforo
