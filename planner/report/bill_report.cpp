#include "planner/report/bill_report.h"

#include <fmt/format.h>

#include <iterator>

#include "planner/base/format.h"
#include "planner/report/estimate_json.h"
#include "planner/report/table.h"

namespace aforo {
namespace {

using money::Bill;
using money::BillLine;
using money::Line;

std::string dollars(double usd) { return format_dollars(Dollars(usd)); }
std::string time_of(double hours) { return format_time(Seconds(3600 * hours)); }

std::string range(const Interval& value, std::string (*text)(double)) {
  return fmt::format("{} ({} to {})", text(value.mid), text(value.low), text(value.high));
}

std::string line_table(const BillSheet& sheet, bool why) {
  std::vector<Column> columns{
      {"line", Align::left}, {"hours"}, {"USD"}, {"from"}, {"to"}, {"share"}};
  if (why) columns.push_back({"formula", Align::left});
  Table table(columns);
  const auto row = [&](const std::string& name, const BillLine& line, const std::string& formula) {
    std::vector<std::string> cells{
        name,
        line.hours.high > 0 ? fmt::format("{:.2f}", line.hours.mid) : "",
        fmt::format("{:.2f}", line.usd.mid),
        fmt::format("{:.2f}", line.usd.low),
        fmt::format("{:.2f}", line.usd.high),
        sheet.bill.usd.mid > 0 ? fmt::format("{:.1f} %", 100 * line.usd.mid / sheet.bill.usd.mid)
                               : ""};
    if (why) cells.push_back(formula);
    table.add(std::move(cells));
  };
  for (int i = 0; i < money::n_lines; ++i) {
    const Line which = static_cast<Line>(i);
    const BillLine& line = sheet.bill[which];
    if (line.usd.high <= 0 && line.hours.high <= 0) continue;
    row(std::string(name_of(which)), line, formula(which, sheet.bill, sheet.needs, sheet.supply));
  }
  row("total", {sheet.bill.held_hours, sheet.bill.usd}, "ends add up end by end");
  return table.text();
}

void append(std::string& out, const std::string& name, const std::string& value) {
  fmt::format_to(std::back_inserter(out), "{:<13} {}\n", name, value);
}

std::string interruption_line(const Bill& bill) {
  return fmt::format("{:.2f} expected, one in {:.4g} h; checkpoint of {} every {}",
                     bill.n_interruptions, bill.interruptions.mean_hours_between,
                     time_of(bill.interruptions.checkpoint_hours),
                     time_of(bill.checkpoint_every_hours));
}

}  // namespace

std::string bill_text(const BillSheet& sheet, bool why) {
  std::string out;
  const Bill& bill = sheet.bill;
  if (!sheet.job.empty()) append(out, "job", sheet.job);
  append(out, "offer", sheet.offer);
  if (!sheet.plan.empty()) append(out, "plan", sheet.plan);
  append(out, "total", range(bill.usd, dollars));
  append(out, "done after", range(bill.wall_hours, time_of));
  append(out, "interruptions", interruption_line(bill));
  if (sheet.deadline_hours)
    append(out, "in time",
           fmt::format("{:.0f} % within {} (closed form); {:.0f} % of {} drawn runs",
                       100 * sheet.in_time, time_of(*sheet.deadline_hours),
                       100 * sheet.drawn.in_time, format_count(sheet.drawn.n_runs)));
  if (sheet.budget_usd)
    append(out, "in budget",
           fmt::format("{:.0f} % of {} drawn runs stay within {}", 100 * sheet.drawn.in_budget,
                       format_count(sheet.drawn.n_runs), dollars(*sheet.budget_usd)));
  if (sheet.energy)
    append(out, "energy",
           bill.kwh > 0 ? fmt::format("{:.1f} kWh at {:.2f} kW, {:.1f} kg CO2 on the US grid",
                                      bill.kwh, sheet.supply.kilowatts, bill.kg_co2)
                        : "the card's profile has no power");
  if (!sheet.rent_or_buy.empty()) append(out, "rent or buy", sheet.rent_or_buy);
  return out + "\n" + line_table(sheet, why);
}

std::string bill_json(const BillSheet& sheet) {
  const Bill& bill = sheet.bill;
  JsonWriter json;
  json.begin_object()
      .field("schema_version", 1)
      .field("job", sheet.job)
      .field("offer", sheet.offer);
  json.field("plan", sheet.plan);
  write_interval_json(json, "total_usd", bill.usd);
  write_interval_json(json, "wall_hours", bill.wall_hours);
  write_interval_json(json, "held_hours", bill.held_hours);
  write_interval_json(json, "device_hours", bill.device_hours);
  json.key("lines").begin_array();
  for (int i = 0; i < money::n_lines; ++i) {
    const Line which = static_cast<Line>(i);
    json.begin_object().field("name", name_of(which));
    write_interval_json(json, "hours", bill[which].hours);
    write_interval_json(json, "usd", bill[which].usd);
    json.field("formula", formula(which, bill, sheet.needs, sheet.supply)).end_object();
  }
  json.end_array();
  json.field("n_interruptions", bill.n_interruptions);
  json.field("mean_hours_between_interruptions", bill.interruptions.mean_hours_between);
  json.field("checkpoint_every_hours", bill.checkpoint_every_hours);
  json.field("budget_usd", sheet.budget_usd).field("deadline_hours", sheet.deadline_hours);
  json.key("probability_in_time");
  sheet.in_time < 0 ? json.null() : json.value(sheet.in_time);
  json.key("drawn");
  if (sheet.drawn.n_runs == 0) {
    json.null();
  } else {
    json.begin_object().field("n_runs", sheet.drawn.n_runs).field("in_time", sheet.drawn.in_time);
    json.field("in_budget", sheet.drawn.in_budget);
    write_interval_json(json, "wall_hours", sheet.drawn.wall_hours);
    write_interval_json(json, "usd", sheet.drawn.usd);
    json.end_object();
  }
  json.field("kilowatts", sheet.supply.kilowatts).field("kwh", bill.kwh);
  json.field("kg_co2", bill.kg_co2).field("rent_or_buy", sheet.rent_or_buy);
  json.end_object();
  return json.text() + "\n";
}

}  // namespace aforo
