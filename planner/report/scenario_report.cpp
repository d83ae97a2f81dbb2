#include "planner/report/scenario_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "planner/base/format.h"
#include "planner/money/date.h"
#include "planner/report/estimate_json.h"
#include "planner/report/table.h"
#include "planner/scenarios/scenario_file.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

using scenarios::Answer;
using scenarios::Outcome;
using scenarios::Row;
using scenarios::Scenario;

std::string dollars(double usd) { return format_dollars(Dollars(usd)); }
std::string time_of(double hours) { return format_time(Seconds(3600 * hours)); }

std::string mark_of(const Row& row) {
  if (row.chosen) return "<- chosen";
  return row.on_front ? "front" : "";
}

void add_row(Table& table, const Row& row, const Scenario& scenario) {
  const LayoutEstimate& e = row.layout->estimate;
  const double rate = row.option.owned ? row.supply.kilowatts * row.supply.usd_per_kwh +
                                             row.supply.wear_usd_per_hour
                                       : row.supply.usd_per_hour;
  table.add({scenarios::name_of(row.option),
             fmt::format("{} x {}", row.option.site.n_devices, row.option.site.card->name),
             fmt::format("{}: {}", row.layout->engine->name, describe(row.layout->plan)),
             fmt::format("{:.2f}{}", rate, row.option.owned ? "*" : ""),
             hours_text(row.bill.wall_hours), dollars_text(row.bill.usd),
             fmt::format("{:.1f}/{:.1f}", e.memory_bytes.mid / gibi, e.capacity / gibi),
             risk_of(row, scenario), mark_of(row)});
}

/// Steps of the front that win at least 5 % of time over the one before; others are nearly the
/// same.
std::vector<const Row*> steps_of(const Answer& answer) {
  constexpr double worth_a_line = 0.95;
  std::vector<const Row*> steps;
  for (const Row& row : answer.rows)
    if (row.on_front && (steps.empty() || row.bill.wall_hours.mid <
                                              worth_a_line * steps.back()->bill.wall_hours.mid))
      steps.push_back(&row);
  return steps;
}

/// The chosen, own machines, the steps of the front, and `most` others, cheapest first.
std::string row_table(const Answer& answer, std::size_t most) {
  Table table({{"offer", Align::left},
               {"GPUs", Align::left},
               {"plan", Align::left},
               {"$/h"},
               {"time (80 %)", Align::left},
               {"total (80 %)", Align::left},
               {"peak GiB"},
               {"risk", Align::left},
               {"", Align::left}});
  const std::vector<const Row*> steps = steps_of(answer);
  std::size_t others = 0;
  for (const Row& row : answer.rows) {
    const bool step = std::find(steps.begin(), steps.end(), &row) != steps.end();
    if (!row.chosen && !row.option.owned && !step && ++others > most) continue;
    add_row(table, row, *answer.scenario);
  }
  std::string out = table.text();
  if (others > most) out += fmt::format("[{} more rows; --all shows them]\n", others - most);
  return out;
}

std::string asked(const Scenario& s) {
  std::string out = job_line(s.job) + "\n";
  std::string limits;
  if (s.budget_usd) limits += fmt::format("budget {}, ", dollars(*s.budget_usd));
  if (s.deadline_hours) limits += fmt::format("deadline {}, ", time_of(*s.deadline_hours));
  return out + fmt::format("{}spot {}, {} first\n", limits, enum_name(s.spot),
                           s.objective == Objective::money ? "cheapest" : "fastest");
}

std::string drawn_line(const Answer& answer) {
  const Row& row = answer.rows[answer.chosen];
  const Scenario& s = *answer.scenario;
  std::string out = fmt::format("chosen: {} on {} x {} ({}), {}, {}", row.layout->engine->name,
                                row.option.site.n_devices, row.option.site.card->name,
                                scenarios::name_of(row.option), time_of(row.bill.wall_hours.mid),
                                dollars(row.bill.usd.mid));
  if (s.deadline_hours)
    out += fmt::format("; in time with {:.0f} % (closed form), {:.0f} % ({} drawn runs)",
                       100 * row.in_time, 100 * row.drawn.in_time, format_count(row.drawn.n_runs));
  if (s.budget_usd) out += fmt::format("; within budget in {:.0f} %", 100 * row.drawn.in_budget);
  return out + "\n";
}

bool has_owned(const Answer& answer) {
  for (const Row& row : answer.rows)
    if (row.option.owned) return true;
  return false;
}

std::string outcome_word(Outcome outcome) {
  constexpr const char* words[] = {"chosen", "over_limits", "does_not_fit", "nothing_offered"};
  return words[static_cast<int>(outcome)];
}

void write_strings(JsonWriter& json, const char* key, const std::vector<std::string>& lines) {
  json.key(key).begin_array();
  for (const std::string& line : lines) json.value(line);
  json.end_array();
}

void write_answer(JsonWriter& json, const Answer& answer) {
  const Scenario& s = *answer.scenario;
  json.begin_object().field("name", s.name).field("note", s.note);
  json.field("model", s.job.model.name).field("method", enum_name(s.job.method));
  json.field("n_tokens", s.job.n_tokens).field("budget_usd", s.budget_usd);
  json.field("deadline_hours", s.deadline_hours).field("outcome", outcome_word(answer.outcome));
  json.field("n_offers", answer.n_offers).field("n_sites", answer.n_sites);
  json.field("n_searched", answer.n_searched).field("n_plans", answer.n_plans);
  json.key("chosen");
  if (answer.chosen < 0) {
    json.null();
  } else {
    json.begin_object();
    write_row_json(json, answer.rows[answer.chosen]);
    json.end_object();
  }
  const auto rows = [&](const char* key, auto wanted) {
    json.key(key).begin_array();
    for (const Row& row : answer.rows) {
      if (!wanted(row)) continue;
      json.begin_object();
      write_row_json(json, row);
      json.end_object();
    }
    json.end_array();
  };
  rows("rows", [](const Row&) { return true; });
  rows("pareto", [](const Row& row) { return row.on_front; });
  write_strings(json, "trades", answer.trades);
  write_strings(json, "why_not", answer.why_not);
  json.end_object();
}

}  // namespace

std::string hours_text(const Interval& hours) {
  const double unit = hours.mid < 119.5 / 60 ? 1.0 / 60 : hours.mid < 47.95 ? 1 : 24;
  return fmt::format("{} ({:.1f} to {:.1f})", time_of(hours.mid), hours.low / unit,
                     hours.high / unit);
}

std::string dollars_text(const Interval& usd) {
  const auto end = [](double value) { return dollars(value).substr(1); };
  return fmt::format("{} ({} to {})", dollars(usd.mid), end(usd.low), end(usd.high));
}

std::string job_line(const TrainingJob& job) {
  return fmt::format("{} {}, {} tokens, seq_len {}, global_batch_size {}", job.model.name,
                     enum_name(job.method), format_count(job.n_tokens), job.seq_len,
                     job.global_batch_size);
}

std::string scenario_text(const Answer& answer, const scenarios::World& world,
                          const std::string& today, std::size_t most) {
  const Scenario& s = *answer.scenario;
  std::string out = s.name.empty() ? "" : fmt::format("== {}\n", s.name);
  if (!s.note.empty()) out += s.note + "\n";
  out += asked(s) + "\n";
  if (!answer.rows.empty()) out += row_table(answer, most) + "\n";
  if (answer.chosen >= 0) out += drawn_line(answer);
  for (const std::string& line : answer.trades) out += line + "\n";
  if (answer.chosen < 0)
    out += fmt::format("no plan: {}\n", fmt::join(answer.why_not, "\n         "));
  out += fmt::format(
      "offers {}, on kinds of machines {}, of which searched {}: the others cannot be cheaper or "
      "faster; prices {}\n",
      format_count(answer.n_offers), format_count(answer.n_sites), format_count(answer.n_searched),
      money::age_of(world.catalogue, today));
  if (has_owned(answer)) out += "* electricity, and wear if the purchase is given\n";
  return out;
}

std::string scenario_summary(const std::vector<Answer>& answers) {
  Table table({{"scenario", Align::left},
               {"chosen", Align::left},
               {"time"},
               {"total"},
               {"in time"},
               {"risk", Align::left}});
  for (const Answer& answer : answers) {
    if (answer.chosen < 0) {
      constexpr const char* words[] = {"", "over budget or deadline", "nothing fits",
                                       "nothing is offered"};
      table.add({answer.scenario->name,
                 fmt::format("none: {}", words[static_cast<int>(answer.outcome)])});
      continue;
    }
    const Row& row = answer.rows[answer.chosen];
    table.add({answer.scenario->name,
               fmt::format("{} x {}, {}", row.option.site.n_devices, row.option.site.card->name,
                           scenarios::name_of(row.option)),
               time_of(row.bill.wall_hours.mid), dollars(row.bill.usd.mid),
               row.in_time < 0 ? "" : fmt::format("{:.0f} %", 100 * row.in_time),
               risk_of(row, *answer.scenario)});
  }
  return table.text();
}

void write_row_json(JsonWriter& json, const Row& row) {
  const LayoutEstimate& e = row.layout->estimate;
  json.field("provider", row.option.owned ? "own" : row.option.offer.provider);
  json.field("kind", row.option.owned ? "owned" : row.option.offer.kind);
  json.field("region", row.option.offer.region).field("machine", row.option.offer.machine);
  json.field("offer_as_of", row.option.offer.as_of);
  json.field("accelerator", row.option.site.card->name);
  json.field("n_devices", row.option.site.n_devices);
  json.field("n_machines", row.option.site.n_machines);
  json.field("engine", row.layout->engine->name).field("plan", describe(row.layout->plan));
  json.field("usd_per_hour", row.supply.usd_per_hour);
  write_interval_json(json, "training_hours", row.needs.training_hours);
  write_interval_json(json, "wall_hours", row.bill.wall_hours);
  write_interval_json(json, "total_usd", row.bill.usd);
  write_interval_json(json, "memory_bytes", e.memory_bytes);
  json.field("capacity_bytes", e.capacity).field("verdict", name_of(e.verdict));
  json.field("within_budget", row.within_budget).field("within_deadline", row.within_deadline);
  json.key("probability_in_time");
  row.in_time < 0 ? json.null() : json.value(row.in_time);
  json.key("drawn_in_time");
  row.drawn.n_runs == 0 ? json.null() : json.value(row.drawn.in_time);
  json.key("drawn_in_budget");
  row.drawn.n_runs == 0 ? json.null() : json.value(row.drawn.in_budget);
  json.field("n_interruptions", row.bill.n_interruptions).field("kwh", row.bill.kwh);
  json.field("kg_co2", row.bill.kg_co2);
  json.field("on_front", row.on_front).field("chosen", row.chosen);
}

std::string scenarios_json(const std::vector<Answer>& answers, const scenarios::World& world,
                           const std::string& today) {
  JsonWriter json;
  json.begin_object().field("schema_version", 1);
  json.field("prices_as_of", world.catalogue.prices.as_of);
  json.field("prices_age", money::age_of(world.catalogue, today));
  json.key("scenarios").begin_array();
  for (const Answer& answer : answers) write_answer(json, answer);
  json.end_array().end_object();
  return json.text() + "\n";
}

}  // namespace aforo
