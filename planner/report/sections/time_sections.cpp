#include <fmt/format.h>

#include <algorithm>

#include "planner/base/format.h"
#include "planner/report/sections/sections.h"
#include "planner/report/words.h"

namespace aforo {

PageSection time_by_part(const std::vector<PlanView>& views) {
  PageSection section{
      "time", "Time of a step",
      fmt::format("{}; limited by {}.", format_time(Seconds(views.front().step_time.mid)),
                  views.front().limited_by)};
  Chart chart{ChartKind::bars, "seconds per optimizer step", ""};
  chart.sideways = true;
  Table table({{"plan", Align::left}, {"part", Align::left}, {"seconds"}, {"share"}});
  for (std::size_t i = 0; i < views.size(); ++i) {
    chart.categories.push_back(views[i].name);
    for (const NamedPart& part : views[i].time_parts) {
      if (!(part.value > 0.001 * views[i].step_time.mid)) continue;
      auto series = std::find_if(chart.series.begin(), chart.series.end(),
                                 [&](const Series& s) { return s.name == part.name; });
      if (series == chart.series.end())
        series = chart.series.insert(chart.series.end(), Series{part.name});
      series->x.push_back(static_cast<double>(i));
      series->y.push_back(part.value);
      table.add({views[i].name, part.name, fmt::format("{:.5f}", part.value),
                 fmt::format("{:.1f} %", 100 * part.value / views[i].step_time.mid)});
    }
  }
  section.chart = chart;
  section.table = table;
  return section;
}

PageSection time_line(const StepProgram& program, const Estimate& estimate) {
  PageSection section{
      "time-line", "Order and time of the ops",
      "One micro-step and the update on the one stream of the program, as predicted."};
  Chart chart{ChartKind::spans, "milliseconds", ""};
  chart.sideways = true;
  constexpr Phase phases[] = {Phase::setup, Phase::forward, Phase::recompute, Phase::backward,
                              Phase::optimizer};
  for (const Phase phase : phases) {
    chart.categories.emplace_back(long_name(phase));
    chart.series.push_back({std::string(long_name(phase))});
  }
  struct Run {
    const Op* op;
    double begins, takes;
  };
  std::vector<Run> runs;
  double now = 0;
  for (const Section& part : program.sections) {
    if (part.repeat == 0) continue;
    for (int i = part.begin; i < part.end; ++i) {
      const Op& op = program.ops[i];
      const double takes = 1e3 * estimate.trace.spans[i].time.value;
      const auto row = static_cast<std::size_t>(op.label.phase);
      Series& series = chart.series[row];
      series.x.push_back(static_cast<double>(row));
      series.from.push_back(now);
      series.y.push_back(now + takes);
      series.labels.push_back(fmt::format("{} ({})", describe(op.label), name_of(op)));
      runs.push_back({&op, now, takes});
      now += takes;
    }
  }
  std::stable_sort(runs.begin(), runs.end(),
                   [](const Run& a, const Run& b) { return a.takes > b.takes; });
  constexpr std::size_t shown = 20;
  Table table(
      {{"longest ops", Align::left}, {"kind", Align::left}, {"begins at ms"}, {"takes ms"}});
  for (std::size_t i = 0; i < std::min(shown, runs.size()); ++i)
    table.add({describe(runs[i].op->label), std::string(name_of(*runs[i].op)),
               fmt::format("{:.4f}", runs[i].begins), fmt::format("{:.4f}", runs[i].takes)});
  section.chart = std::move(chart);
  section.table = table;
  return section;
}

std::optional<PageSection> money_against_time(const std::vector<PlanView>& views,
                                              std::optional<double> budget_usd,
                                              std::optional<double> deadline_hours) {
  Chart chart{ChartKind::scatter, "hours of the whole job", "dollars"};
  Table table({{"plan", Align::left}, {"device", Align::left}, {"hours"}, {"dollars"}});
  for (const PlanView& view : views) {
    if (!view.usd) continue;
    chart.series.push_back({view.name, {view.hours.mid}, {view.usd->mid}, {}, {view.device}});
    table.add({view.name, view.device, fmt::format("{:.2f}", view.hours.mid),
               fmt::format("{:.2f}", view.usd->mid)});
  }
  if (chart.series.size() < 2) return std::nullopt;
  if (budget_usd) chart.limit = Limit{"budget", *budget_usd};
  if (deadline_hours) chart.x_limit = Limit{"deadline", *deadline_hours};
  PageSection section{
      "money", "Money against time",
      "Each plan once; left and below is better, inside the dashed lines is allowed."};
  section.chart = chart;
  section.table = table;
  return section;
}

}  // namespace aforo
