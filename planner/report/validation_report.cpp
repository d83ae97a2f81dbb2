#include "planner/report/validation_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "planner/base/json.h"
#include "planner/report/table.h"

namespace aforo {
namespace {

using validate::ErrorSummary;
using validate::GroupScore;
using validate::LeaveOut;
using validate::Validation;

constexpr const char* heads[] = {"group",  "rows",     "timed",  "median", "mean", "p90", "bias",
                                 "inside", "mem rows", "median", "p90",    "bias", "fit", "OOM"};

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }
std::string signed_percent(double share) { return fmt::format("{:+.1f} %", 100 * share); }
std::string share_of(int part, int whole) {
  return whole == 0 ? "" : fmt::format("{}/{}", part, whole);
}

std::vector<std::string> cells(const GroupScore& g) {
  const ErrorSummary &t = g.tokens_per_s, &m = g.memory;
  std::vector<std::string> row{g.key, std::to_string(g.n_rows), std::to_string(t.n)};
  const auto errors = [&](const ErrorSummary& e, std::vector<std::string> values) {
    for (std::string& value : values) row.push_back(e.n == 0 ? "" : value);
  };
  errors(t, {percent(t.median), percent(t.mean), percent(t.p90), signed_percent(t.bias),
             percent(g.time_coverage)});
  row.push_back(std::to_string(m.n));
  errors(m, {percent(m.median), percent(m.p90), signed_percent(m.bias)});
  row.push_back(share_of(g.fit_passed, g.fit_rows));
  row.push_back(share_of(g.oom_caught, g.oom_rows));
  return row;
}

std::string method(LeaveOut leave_out) {
  switch (leave_out) {
    case LeaveOut::family:
      return "constants fitted without the row's family (source x GPU x model)";
    case LeaveOut::source:
      return "constants fitted without anything from the row's source";
    default:
      return "shipped constants, which were fitted to published runs, perhaps to these";
  }
}

std::vector<std::vector<std::string>> rival_rows(const GroupScore& all) {
  std::vector<std::vector<std::string>> rows;
  const auto add = [&](const std::string& name, const ErrorSummary& e) {
    rows.push_back({name, std::to_string(e.n), percent(e.median), percent(e.mean), percent(e.p90),
                    signed_percent(e.bias)});
  };
  add("aforo, tokens/s", all.tokens_per_s);
  for (const validate::RivalScore& rival : all.rivals) add(rival.title, rival.errors);
  add("aforo, peak memory", all.memory);
  add("18 bytes and Korthikanti", all.korthikanti_memory);
  return rows;
}

void write_errors(JsonWriter& json, const char* name, const ErrorSummary& e) {
  json.key(name).begin_object();
  json.field("rows", e.n).field("median", e.median).field("mean", e.mean);
  json.field("p90", e.p90).field("bias", e.bias).end_object();
}

void write_group(JsonWriter& json, const GroupScore& g) {
  json.begin_object().field("key", g.key).field("rows", g.n_rows);
  json.key("not_predictable").begin_object();
  for (const auto& [reason, n] : g.not_predictable) json.field(reason, n);
  json.end_object();
  write_errors(json, "tokens_per_s", g.tokens_per_s);
  json.field("time_coverage_80", g.time_coverage);
  write_errors(json, "peak_memory", g.memory);
  json.field("memory_coverage_80", g.memory_coverage);
  json.field("oom_rows", g.oom_rows).field("oom_caught", g.oom_caught);
  json.field("fit_rows", g.fit_rows).field("fit_passed", g.fit_passed);
  json.key("rivals").begin_object();
  for (const validate::RivalScore& rival : g.rivals)
    write_errors(json, rival.name.c_str(), rival.errors);
  write_errors(json, "korthikanti_like_memory", g.korthikanti_memory);
  json.end_object().end_object();
}

std::string plain_row(const std::vector<std::string>& row) {
  return fmt::format("| {} |\n", fmt::join(row, " | "));
}

}  // namespace

std::string validation_text(const Validation& validation) {
  std::vector<Column> columns;
  for (const char* head : heads)
    columns.push_back({head, columns.empty() ? Align::left : Align::right});
  Table table(columns);
  for (const GroupScore& group : validation.groups) table.add(cells(group));
  table.add(cells(validation.all));
  Table rivals({{"rule", Align::left}, {"rows"}, {"median"}, {"mean"}, {"p90"}, {"bias"}});
  for (const auto& row : rival_rows(validation.all)) rivals.add(row);
  std::string out =
      fmt::format("{}\n\n{}\n{}", method(validation.leave_out), table.text(), rivals.text());
  out +=
      "\nerrors: |predicted / measured - 1| of tokens/s and of peak memory; inside: measured time "
      "within our 80 % interval;\nfit: rows that ran and are predicted to fit; OOM: rows published "
      "as not fitting that are predicted not to fit\n";
  for (const auto& [reason, n] : validation.all.not_predictable)
    out += fmt::format("not predictable, {} rows: {}\n", n, reason);
  return out;
}

std::string validation_json(const Validation& validation) {
  JsonWriter json;
  json.begin_object().field("schema_version", 1);
  const char* names[] = {"none", "family", "source"};
  json.field("leave_out", names[static_cast<int>(validation.leave_out)]);
  json.key("by").begin_array();
  for (const std::string& column : validation.by) json.value(column);
  json.end_array().key("groups").begin_array();
  for (const GroupScore& group : validation.groups) write_group(json, group);
  json.end_array().key("all");
  write_group(json, validation.all);
  return json.end_object().text() + "\n";
}

std::string validation_markdown(const Validation& validation) {
  const std::vector<std::string> head(std::begin(heads), std::end(heads));
  std::string out = fmt::format("{}.\n\n", method(validation.leave_out)) + plain_row(head) +
                    plain_row(std::vector<std::string>(head.size(), "---"));
  for (const GroupScore& group : validation.groups) out += plain_row(cells(group));
  out += plain_row(cells(validation.all));
  out += "\n" + plain_row({"rule", "rows", "median", "mean", "p90", "bias"}) +
         plain_row(std::vector<std::string>(6, "---"));
  for (const auto& row : rival_rows(validation.all)) out += plain_row(row);
  return out;
}

}  // namespace aforo
