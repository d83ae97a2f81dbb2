#include <fmt/format.h>

#include "planner/report/sections/sections.h"
#include "planner/report/words.h"

namespace aforo {
namespace {

using scenarios::Row;

std::string option_text(const Row& row) {
  return fmt::format("{} x {}, {}", row.option.site.n_devices, row.option.site.card->name,
                     scenarios::name_of(row.option));
}

void add_row(Series& series, const Row& row) {
  series.x.push_back(row.bill.wall_hours.mid);
  series.y.push_back(row.bill.usd.mid);
  series.labels.push_back(option_text(row));
}

}  // namespace

PageSection offers_section(const scenarios::Answer& answer) {
  const scenarios::Scenario& scenario = *answer.scenario;
  PageSection section{"offers", "Every offer"};
  section.lead = fmt::format(
      "The whole bill of {} offers, {} of them with a plan; left and below is better, inside the "
      "dashed lines is allowed.",
      answer.n_offers, answer.rows.size());
  Series others{"offers"}, front{"front: none is both cheaper and faster"}, chosen{"chosen"};
  for (const Row& row : answer.rows)
    add_row(row.chosen ? chosen : row.on_front ? front : others, row);
  others.faint = true;
  Chart chart{ChartKind::scatter, "hours until done", "dollars in all"};
  chart.logarithmic = true;  // offers differ by powers of ten
  if (scenario.budget_usd) chart.limit = Limit{"budget", *scenario.budget_usd};
  if (scenario.deadline_hours) chart.x_limit = Limit{"deadline", *scenario.deadline_hours};
  chart.series = {others, front, chosen};
  std::erase_if(chart.series, [](const Series& series) { return series.x.empty(); });
  Table table(
      {{"offer", Align::left}, {"time"}, {"in all"}, {"risk", Align::left}, {"", Align::left}});
  for (const Row* row : scenarios::front_of(answer))
    table.add({option_text(*row), time_of_hours(row->bill.wall_hours.mid),
               dollars_of(row->bill.usd.mid), scenarios::risk_of(*row, scenario),
               row->chosen ? "chosen" : ""});
  section.chart = std::move(chart);
  section.table = table;
  return section;
}

}  // namespace aforo
