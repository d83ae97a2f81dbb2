#include "planner/report/whole_runs_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <map>

#include "planner/base/format.h"
#include "planner/base/json.h"
#include "planner/report/table.h"
#include "planner/validate/statistics.h"

namespace aforo {
namespace {

using validate::ErrorSummary;
using validate::WholeRunPrediction;

/// Runs that are scored: predicted, and stated well enough.
bool is_scored(const WholeRunPrediction& p) { return p.problem.empty() && p.run->quality != "C"; }

struct Score {
  ErrorSummary errors;
  int within = 0;  ///< 15 %
};

Score score(const std::vector<WholeRunPrediction>& predictions) {
  Score out;
  std::vector<double> ratios;
  for (const WholeRunPrediction& p : predictions) {
    if (!is_scored(p)) continue;
    ratios.push_back(1 + p.error());
    if (std::abs(p.error()) <= 0.15) ++out.within;
  }
  out.errors = validate::summarise(ratios);
  return out;
}

std::string hours(double value) { return format_count(static_cast<std::int64_t>(value + 0.5)); }

}  // namespace

std::string whole_runs_text(const std::vector<WholeRunPrediction>& predictions) {
  Table table({{"run", Align::left},
               {"devices", Align::left},
               {"", Align::left},
               {"published h"},
               {"predicted h"},
               {"error"},
               {"fastest layout", Align::left}});
  std::map<std::string, int> problems;
  for (const WholeRunPrediction& p : predictions) {
    if (!p.problem.empty()) {
      ++problems[p.problem];
      continue;
    }
    table.add({p.run->model,
               fmt::format("{}{} x {}", p.run->gpu_count == 0 ? "~" : "", p.n_devices, p.run->gpu),
               p.run->quality, hours(p.run->gpu_hours), hours(p.hours),
               fmt::format("{:+.0f} %", 100 * p.error()), p.layout});
  }
  const Score s = score(predictions);
  std::string out = table.text();
  out += fmt::format(
      "\n{} runs of quality A and B: median error {:.1f} %, mean {:.1f} %, 90th percentile {:.1f} "
      "%, bias {:+.1f} %; {} within 15 %\n~: number of devices assumed; layouts, sequence lengths "
      "and batches are assumed throughout\n",
      s.errors.n, 100 * s.errors.median, 100 * s.errors.mean, 100 * s.errors.p90,
      100 * s.errors.bias, s.within);
  for (const auto& [problem, n] : problems)
    out += fmt::format("not predictable: {} with \"{}\"\n", n, problem);
  return out;
}

std::string whole_runs_json(const std::vector<WholeRunPrediction>& predictions) {
  JsonWriter json;
  json.begin_object().field("schema_version", 1).key("runs").begin_array();
  for (const WholeRunPrediction& p : predictions) {
    json.begin_object().field("model", p.run->model).field("gpu", p.run->gpu);
    json.field("quality", p.run->quality).field("published_device_hours", p.run->gpu_hours);
    if (p.problem.empty()) {
      json.field("n_devices", p.n_devices).field("predicted_device_hours", p.hours);
      json.field("layout", p.layout).key("assumptions").begin_array();
      for (const std::string& assumption : p.assumptions) json.value(assumption);
      json.end_array();
    } else {
      json.field("problem", p.problem);
    }
    json.end_object();
  }
  const Score s = score(predictions);
  json.end_array().key("errors").begin_object();
  json.field("rows", s.errors.n).field("median", s.errors.median).field("mean", s.errors.mean);
  json.field("p90", s.errors.p90).field("bias", s.errors.bias).end_object();
  json.field("within_15_percent", s.within).end_object();
  return json.text() + "\n";
}

}  // namespace aforo
