#include <fmt/format.h>

#include <algorithm>

#include "planner/base/format.h"
#include "planner/report/sections/sections.h"

namespace aforo {
namespace {

HeatMap::Cell fit_cell(const explain::Outcome& outcome) {
  HeatMap::Cell cell{fmt::format("{:.1f}", outcome.device_bytes / gibi)};
  const double used = outcome.device_bytes / outcome.capacity_bytes;
  cell.tone = used > 1 ? Tone::bad : used > 1 - tight_headroom ? Tone::close : Tone::good;
  return cell;
}

/// "34.1 GiB, 1.23 s a step"
std::string outcome_text(const explain::Outcome& outcome) {
  return fmt::format("{:.1f} GiB, {} a step", outcome.device_bytes / gibi,
                     format_time(Seconds(outcome.step_s)));
}

std::string percent_change(double now, double before) {
  return fmt::format("{:+.0f} %", 100 * (now / before - 1));
}

}  // namespace

PageSection fit_map(const explain::FitStudy& study, const explain::Variant& plan) {
  PageSection section{"fit", "What fits",
                      fmt::format("GiB of the fullest device of {:.1f} over seq_len and "
                                  "micro_batch_size, all else as in the plan; struck out: does "
                                  "not fit.",
                                  plan.setup.device.memory / gibi)};
  HeatMap map{"seq_len", "micro_batch_size"};
  for (const int size : study.micro_batch_sizes) map.columns.push_back(std::to_string(size));
  for (std::size_t i = 0; i < study.seq_lens.size(); ++i) {
    map.rows.push_back(format_count(study.seq_lens[i]));
    map.cells.emplace_back();
    for (const explain::Outcome& outcome : study.cells[i])
      map.cells.back().push_back(fit_cell(outcome));
  }
  section.heat_map = std::move(map);
  return section;
}

PageSection ladder_section(const std::vector<explain::Rung>& rungs) {
  const explain::Outcome& first = rungs.front().outcome;
  const explain::Outcome& last = rungs.back().outcome;
  PageSection section{"ladder", "What each choice brings",
                      fmt::format("From {} in plain training to {}, one choice at a time.",
                                  outcome_text(first), outcome_text(last))};
  Chart chart{ChartKind::spans, "GiB of the fullest device", ""};
  chart.sideways = true;
  Series less{"saved"}, more{"taken"}, ends{"plain, and the plan"};
  Table table({{"choice", Align::left}, {"GiB"}, {"step"}, {"memory"}, {"time"}});
  const auto bar = [](Series& series, double row, double from, double to) {
    series.x.push_back(row);
    series.from.push_back(from / gibi);
    series.y.push_back(to / gibi);
  };
  double before = 0, row = 0;
  const explain::Outcome* previous = nullptr;
  for (const explain::Rung& rung : rungs) {
    const double bytes = rung.outcome.device_bytes;
    chart.categories.push_back(rung.name);
    if (previous == nullptr)
      bar(ends, row, 0, bytes);
    else
      bar(bytes < before ? less : more, row, before, bytes);
    table.add({rung.name, fmt::format("{:.2f}", bytes / gibi),
               format_time(Seconds(rung.outcome.step_s)),
               previous ? percent_change(bytes, before) : "",
               previous ? percent_change(rung.outcome.step_s, previous->step_s) : ""});
    before = bytes;
    previous = &rung.outcome;
    ++row;
  }
  chart.categories.emplace_back("the plan");
  bar(ends, row, 0, before);
  chart.series = {ends, less, more};
  std::erase_if(chart.series, [](const Series& series) { return series.x.empty(); });
  chart.limit = Limit{"capacity", first.capacity_bytes / gibi};
  section.chart = std::move(chart);
  section.table = table;
  return section;
}

PageSection sensitivity_section(const std::vector<explain::Sway>& sways, double hours,
                                double usd_per_hour) {
  PageSection section{"sensitivity", "What the result hangs on",
                      fmt::format("Time of the whole job if one figure is {:.0f} % lower or "
                                  "higher than assumed; as assumed it is {}.",
                                  100 * explain::sway_share, format_time(Seconds(hours * 3600)))};
  Chart chart{ChartKind::spans, "hours of the whole job", ""};
  chart.sideways = true;
  chart.from_zero = false;
  chart.limit = Limit{"as assumed", hours};
  Series lower{"lower"}, higher{"higher"};
  Table table({{"figure", Align::left}, {"hours if lower"}, {"if higher"}, {"cost between"}});
  for (const explain::Sway& sway : sways) {
    const auto row = static_cast<double>(chart.categories.size());
    chart.categories.push_back(sway.name);
    for (auto [series, value] : {std::pair{&lower, sway.low}, std::pair{&higher, sway.high}}) {
      series->x.push_back(row);
      series->from.push_back(std::min(hours, value));
      series->y.push_back(std::max(hours, value));
    }
    const auto [least, most] = std::minmax(sway.low, sway.high);
    table.add({sway.name, fmt::format("{:.2f}", sway.low), fmt::format("{:.2f}", sway.high),
               usd_per_hour > 0
                   ? fmt::format("{} to {}", format_dollars(Dollars(least * usd_per_hour)),
                                 format_dollars(Dollars(most * usd_per_hour)))
                   : "-"});
  }
  chart.series = {lower, higher};
  section.chart = std::move(chart);
  section.table = table;
  return section;
}

}  // namespace aforo
