#include "planner/report/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "planner/base/format.h"
#include "planner/report/table.h"

namespace aforo {
namespace {

/// Seconds per step of a group of ops.
struct Sum {
  std::string name;
  double predicted = 0, measured = 0;
};

/// Groups ops of the step (not of the evaluation) by a key, largest measured time first.
template <typename Key>
std::vector<Sum> grouped_by(const Comparison& comparison, Key key) {
  std::map<std::string, Sum> sums;
  for (const ComparedOp& op : comparison.ops) {
    if (op.repeat == 0) continue;
    Sum& sum = sums[key(op)];
    sum.predicted += op.predicted.value * static_cast<double>(op.repeat);
    sum.measured += op.measured.value * static_cast<double>(op.repeat);
  }
  std::vector<Sum> sorted;
  for (auto& [name, sum] : sums) {
    sum.name = name;
    sorted.push_back(sum);
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Sum& a, const Sum& b) { return a.measured > b.measured; });
  return sorted;
}

std::string percent(double predicted, double measured) {
  return predicted > 0 ? fmt::format("{:+.1f} %", 100 * relative_error(predicted, measured)) : "-";
}

std::string time_table(const std::string& title, const std::vector<Sum>& sums, std::size_t most) {
  Table table({{title, Align::left}, {"predicted"}, {"measured"}, {"off"}});
  for (std::size_t i = 0; i < std::min(most, sums.size()); ++i)
    table.add({sums[i].name, format_time(Seconds(sums[i].predicted)),
               format_time(Seconds(sums[i].measured)),
               percent(sums[i].predicted, sums[i].measured)});
  return table.text();
}

std::string memory_table(const Comparison& c, const MemoryPlan& memory) {
  Table table({{"memory", Align::left}, {"predicted MiB"}, {"measured MiB"}, {"off"}});
  const auto row = [&](const std::string& name, Bytes predicted, Bytes measured) {
    if (predicted.value == 0) return;
    const bool is_measured = measured.value > 0;
    table.add({name, fmt::format("{:.2f}", as_mib(predicted)),
               is_measured ? fmt::format("{:.2f}", as_mib(measured)) : "",
               is_measured ? percent(static_cast<double>(predicted.value),
                                     static_cast<double>(measured.value))
                           : ""});
  };
  const auto name = [](int role) { return std::string(name_of(static_cast<Role>(role))); };
  for (int role = 0; role < n_roles; ++role)
    row(name(role), memory.persistent_by_role[role], c.measured_kept[role]);
  row("while a step runs", memory.arena - memory.persistent,
      std::max(c.measured_arena - memory.persistent, Bytes(0)));
  for (int role = 0; role < n_roles; ++role)
    row("  at its peak: " + name(role), memory.at_peak[role] - memory.persistent_by_role[role],
        Bytes(0));
  row("arena (bytes touched)", c.predicted_arena, c.measured_arena);
  row("process (resident)", c.predicted_process, c.measured_process);
  return table.text();
}

}  // namespace

double relative_error(double predicted, double measured) {
  return (measured - predicted) / predicted;
}

std::vector<std::string> outside_tolerance(const Comparison& c, double tolerance) {
  std::vector<std::string> outside;
  const auto check = [&](const char* name, double predicted, double measured) {
    if (!(predicted > 0) || !(measured > 0)) return;
    const double error = relative_error(predicted, measured);
    if (!(std::abs(error) <= tolerance))
      outside.push_back(fmt::format("{} is {:+.1f} % off; the tolerance is {:.1f} %", name,
                                    100 * error, 100 * tolerance));
  };
  check("step time", c.predicted_step.value, c.measured_step.value);
  check("arena", static_cast<double>(c.predicted_arena.value),
        static_cast<double>(c.measured_arena.value));
  check("process memory", static_cast<double>(c.predicted_process.value),
        static_cast<double>(c.measured_process.value));
  return outside;
}

std::string comparison_text(const Comparison& c, const MemoryPlan& memory, int n_ops) {
  std::string out = fmt::format("step time    predicted {}, measured {} ({})\n",
                                format_time(c.predicted_step), format_time(c.measured_step),
                                percent(c.predicted_step.value, c.measured_step.value));
  out += fmt::format("loss         {:.3f} -> {:.3f}", c.first_loss, c.last_loss);
  out += std::isnan(c.validation_loss) ? "\n\n"
                                       : fmt::format(", validation {:.3f}\n\n", c.validation_loss);
  out += memory_table(c, memory) + "\n";
  if (c.ops.empty()) return out + "no step was profiled op by op\n";
  out += time_table("time by phase", grouped_by(c, [](const ComparedOp& op) { return op.phase; }),
                    10) +
         "\n";
  out += time_table("time by kind of op", grouped_by(c, [](const ComparedOp& op) { return op.op; }),
                    30) +
         "\n";
  out += time_table(
      "costliest ops",
      grouped_by(c, [](const ComparedOp& op) { return op.label + " (" + op.op + ")"; }), n_ops);
  return out;
}

void write_comparison_json(JsonWriter& json, const Comparison& c, const MemoryPlan& memory) {
  json.key("step_time_s")
      .begin_object()
      .field("predicted", c.predicted_step.value)
      .field("measured", c.measured_step.value)
      .end_object();
  json.key("arena_bytes")
      .begin_object()
      .field("predicted", c.predicted_arena.value)
      .field("measured", c.measured_arena.value)
      .end_object();
  json.key("process_bytes")
      .begin_object()
      .field("predicted", c.predicted_process.value)
      .field("measured", c.measured_process.value)
      .end_object();
  json.key("kept_bytes").begin_object();
  for (int role = 0; role < n_roles; ++role) {
    json.key(name_of(static_cast<Role>(role))).begin_object();
    json.field("predicted", memory.persistent_by_role[role].value);
    json.field("measured", c.measured_kept[role].value).end_object();
  }
  json.end_object().key("at_peak_bytes").begin_object();
  for (int role = 0; role < n_roles; ++role)
    json.field(name_of(static_cast<Role>(role)), memory.at_peak[role].value);
  json.end_object().key("loss").begin_object();
  json.field("first", c.first_loss)
      .field("last", c.last_loss)
      .field("validation", c.validation_loss)
      .end_object();
  const auto write_sums = [&](const char* name, const std::vector<Sum>& sums) {
    json.key(name).begin_array();
    for (const Sum& sum : sums)
      json.begin_object()
          .field("name", sum.name)
          .field("predicted_s", sum.predicted)
          .field("measured_s", sum.measured)
          .end_object();
    json.end_array();
  };
  write_sums("by_phase", grouped_by(c, [](const ComparedOp& op) { return op.phase; }));
  write_sums("by_op", grouped_by(c, [](const ComparedOp& op) { return op.op; }));
  write_sums("by_label", grouped_by(c, [](const ComparedOp& op) { return op.label; }));
}

}  // namespace aforo
