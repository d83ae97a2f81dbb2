#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "planner/base/format.h"
#include "planner/report/sections/sections.h"

namespace aforo {
namespace {

constexpr double band = 0.1;

Series diagonal(const char* name, double least, double most, double factor) {
  return {name, {least, most}, {least * factor, most * factor}};
}

}  // namespace

PageSection predicted_against_measured(const Comparison& comparison) {
  PageSection section{"measured", "Predicted against measured"};
  section.lead = fmt::format(
      "Step: {} predicted, {} measured ({:+.1f} %). Every op once, both axes "
      "logarithmic.",
      format_time(comparison.predicted_step), format_time(comparison.measured_step),
      100 * relative_error(comparison.predicted_step.value, comparison.measured_step.value));
  Chart chart{ChartKind::scatter, "predicted microseconds", "measured microseconds"};
  chart.logarithmic = true;
  Series inside{"within 10 %"}, outside{"further off"};
  double least = INFINITY, most = 0;
  Table table(
      {{"op", Align::left}, {"kind", Align::left}, {"predicted us"}, {"measured us"}, {"off"}});
  for (const ComparedOp& op : comparison.ops) {
    const double predicted = op.predicted.value * 1e6, measured = op.measured.value * 1e6;
    if (!(predicted > 0) || !(measured > 0)) continue;  // did not run
    const double off = relative_error(predicted, measured);
    Series& series = std::abs(off) <= band ? inside : outside;
    series.x.push_back(predicted);
    series.y.push_back(measured);
    series.labels.push_back(op.label);
    least = std::min(least, predicted);
    most = std::max(most, predicted);
    table.add({op.label, op.op, fmt::format("{:.1f}", predicted), fmt::format("{:.1f}", measured),
               fmt::format("{:+.1f} %", 100 * off)});
  }
  section.table = table;
  if (!(most > 0)) return section;
  chart.series = {inside, outside};
  std::erase_if(chart.series, [](const Series& series) { return series.x.empty(); });
  chart.lines = {diagonal("equal", least, most, 1), diagonal("+10 %", least, most, 1 + band),
                 diagonal("-10 %", least, most, 1 - band)};
  section.chart = std::move(chart);
  return section;
}

PageSection losses(const std::vector<RunPoint>& points) {
  PageSection section{"loss", "Loss", "Mean over each step's tokens, in nats."};
  Chart chart{ChartKind::line, "step", "loss"};
  Series series{"training loss"};
  Table table({{"step"}, {"loss"}, {"seconds"}});
  for (const RunPoint& point : points) {
    series.x.push_back(static_cast<double>(point.step));
    series.y.push_back(point.loss);
    table.add({format_count(point.step), fmt::format("{:.4f}", point.loss),
               fmt::format("{:.4f}", point.seconds)});
  }
  chart.series = {series};
  section.chart = std::move(chart);
  section.table = table;
  return section;
}

PageSection burn_down(const std::vector<RunPoint>& points, std::int64_t n_steps,
                      double usd_per_hour, double predicted_usd, std::optional<double> budget_usd) {
  Chart chart{ChartKind::line, "step", "dollars"};
  Series spent{"spent"}, promised{"predicted"};
  double usd = 0;
  for (const RunPoint& point : points) {
    usd += usd_per_hour * point.seconds / 3600;
    const auto step = static_cast<double>(point.step + 1);
    spent.x.push_back(step);
    spent.y.push_back(usd);
    promised.x.push_back(step);
    promised.y.push_back(predicted_usd * step / static_cast<double>(n_steps));
  }
  chart.series = {spent, promised};
  if (budget_usd) chart.limit = Limit{"budget", *budget_usd};
  const double done = points.empty() ? 0 : static_cast<double>(points.back().step + 1);
  PageSection section{"budget", "Money over the run"};
  section.lead =
      fmt::format("{} of {} steps for {}; at this rate the whole job costs {}, predicted were {}.",
                  format_count(static_cast<std::int64_t>(done)), format_count(n_steps),
                  format_dollars(Dollars(usd)),
                  format_dollars(Dollars(done > 0 ? usd * static_cast<double>(n_steps) / done : 0)),
                  format_dollars(Dollars(predicted_usd)));
  section.chart = std::move(chart);
  return section;
}

}  // namespace aforo
