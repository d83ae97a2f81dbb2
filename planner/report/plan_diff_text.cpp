#include <fmt/format.h>

#include <cmath>

#include "planner/base/format.h"
#include "planner/base/json.h"
#include "planner/report/estimate_json.h"
#include "planner/report/estimate_report.h"
#include "planner/report/export/quote.h"
#include "planner/report/plan_diff.h"
#include "planner/report/table.h"

namespace aforo {
namespace {

std::string value_text(const PlanDiff& diff, const ChangedQuantity& quantity, double value) {
  if (&quantity == &diff.memory) return format_bytes(Bytes{std::llround(value)});
  if (&quantity == &diff.time) return format_time(Seconds(3600 * value));
  return diff.priced ? format_dollars(Dollars(value)) : fmt::format("{:.4g} device-hours", value);
}

std::string interval_words(const PlanDiff& diff, const ChangedQuantity& q, const Interval& i) {
  if (&q == &diff.throughput) return interval_text(i, 0) + " tokens/s";
  if (i.low == i.high) return value_text(diff, q, i.mid);
  return fmt::format("{} ({} to {})", value_text(diff, q, i.mid), value_text(diff, q, i.low),
                     value_text(diff, q, i.high));
}

/// One row a quantity: name, before, after, change and whether it may be none.
std::vector<std::vector<std::string>> quantity_rows(const PlanDiff& diff) {
  std::vector<std::vector<std::string>> rows;
  for (const ChangedQuantity* q : {&diff.cost, &diff.time, &diff.memory, &diff.throughput})
    rows.push_back(
        {q->name, interval_words(diff, *q, q->before), interval_words(diff, *q, q->after),
         change_text(*q) + (q->change() != 0 && q->within_spread() ? ", intervals overlap" : "")});
  return rows;
}

}  // namespace

std::string change_text(const ChangedQuantity& quantity) {
  const double change = quantity.change();
  if (std::isinf(change)) return "from nothing";
  return change == 0 ? "same" : fmt::format("{:+.1f} %", 100 * change);
}

std::string diff_text(const PlanDiff& diff, const std::string& verdict) {
  std::string out;
  if (diff.settings.empty()) {
    out += "no setting differs\n\n";
  } else {
    Table settings({{"setting", Align::left}, {"before", Align::left}, {"after", Align::left}});
    for (const ChangedSetting& s : diff.settings)
      settings.add({s.key, comment_text(s.before), comment_text(s.after)});
    out += settings.text() + "\n";
  }
  Table quantities({{"predicted", Align::left},
                    {"before", Align::left},
                    {"after", Align::left},
                    {"change", Align::left}});
  for (const auto& row : quantity_rows(diff)) quantities.add(row);
  out += quantities.text();
  return verdict.empty() ? out : out + "\n" + verdict + "\n";
}

std::string diff_markdown(const PlanDiff& diff, const std::string& verdict) {
  std::string out = "### Training plan: ";
  out += fmt::format("{} {}, time {}, memory {}\n\n", diff.priced ? "cost" : "device-hours",
                     change_text(diff.cost), change_text(diff.time), change_text(diff.memory));
  if (!verdict.empty()) out += fmt::format("**{}**\n\n", markdown_text(verdict));
  out += "| predicted | before | after | change |\n|---|---|---|---|\n";
  for (const auto& row : quantity_rows(diff)) out += markdown_row(row);
  out += diff.settings.empty() ? "\nNo setting differs.\n"
                               : "\n| setting | before | after |\n|---|---|---|\n";
  for (const ChangedSetting& s : diff.settings) out += markdown_row({s.key, s.before, s.after});
  return out;
}

std::string diff_json(const PlanDiff& diff, const std::vector<const ChangedQuantity*>& over) {
  JsonWriter json;
  json.begin_object().field("schema_version", 1).key("settings").begin_array();
  for (const ChangedSetting& s : diff.settings)
    json.begin_object()
        .field("key", s.key)
        .field("before", s.before)
        .field("after", s.after)
        .end_object();
  json.end_array();
  const std::pair<const char*, const ChangedQuantity*> quantities[] = {
      {diff.priced ? "cost_usd" : "device_hours", &diff.cost},
      {"hours", &diff.time},
      {"memory_bytes", &diff.memory},
      {"tokens_per_s", &diff.throughput}};
  for (const auto& [name, q] : quantities) {
    json.key(name).begin_object();
    write_interval_json(json, "before", q->before);
    write_interval_json(json, "after", q->after);
    json.field("change", q->change()).field("intervals_overlap", q->within_spread()).end_object();
  }
  json.key("over_limit").begin_array();
  for (const ChangedQuantity* q : over) json.value(q->name);
  json.end_array().end_object();
  return json.text() + "\n";
}

}  // namespace aforo
