#include "planner/report/layout_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iterator>

#include "planner/base/format.h"
#include "planner/report/phases_report.h"
#include "planner/report/table.h"
#include "planner/report/words.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

std::string times(const Interval& seconds) {
  return fmt::format("{} ({} to {})", format_time(Seconds(seconds.mid)),
                     format_time(Seconds(seconds.low)), format_time(Seconds(seconds.high)));
}

std::string gib(double bytes) { return fmt::format("{:.2f}", bytes / gibi); }

Interval in_seconds(const Interval& hours) {
  return {hours.low * 3600, hours.mid * 3600, hours.high * 3600};
}

/// What becomes of examples: sequences, and how much of the work is padding.
std::string examples_text(const Layout& layout) {
  const ExamplesSpec& x = layout.job->examples;
  std::string out = fmt::format("{} examples x {:g} epochs, {:.0f} tokens each (longest {})",
                                format_count(x.n_examples), x.epochs, x.mean(), x.longest());
  if (!x.padded())
    return out + fmt::format(", packed; a token sees {:.0f} of its own example on average",
                             x.mean_by_token());
  const double padded = layout.plan.setup.time_len();
  return out + fmt::format(
                   ", padded to {:.0f} on average ({:.0f} % padding); the longest batch "
                   "decides the memory",
                   padded, 100 * (1 - x.mean() / padded));
}

void append_head(std::string& out, const Layout& layout) {
  const TrainingJob& job = *layout.job;
  const ParameterCount count = count_parameters(job.model);
  append_named(
      out, "model",
      fmt::format("{}, {} parameters{}", job.model.name, format_count(count.total()),
                  job.model.is_moe()
                      ? fmt::format(", {} active",
                                    format_count(count_active_parameters(job.model).with_embedding))
                      : ""));
  append_named(out, "device", fmt::format("{} x {}", layout.device.count, layout.device.name));
  append_named(out, "engine",
               fmt::format("{}: {}{}", layout.engine->name, layout.engine->title,
                           layout.engine->native ? "" : " (not executed by `aforo run`)"));
  append_named(out, "plan",
               fmt::format("{}, {} micro-steps, seq_len {}, method {}", describe(layout.plan),
                           layout.plan.setup.grad_accum(), job.seq_len, enum_name(job.method)));
  if (job.examples.given()) append_named(out, "data", examples_text(layout));
}

void append_interruptions(std::string& out, const Layout& layout) {
  if (layout.failures == nullptr) return;
  const money::FailureRates& rates = *layout.failures;
  const double hours = layout.estimate.device_hours.mid;
  const double expected = hours / rates.mid.device_hours;
  if (expected < 0.05) return;
  append_named(
      out, "failures",
      fmt::format("{:.1f} unexpected interruptions ({:.1f} to {:.1f}) at one in {} device-hours "
                  "({} to {}, published); `aforo bill` has them in time and price",
                  expected, hours / rates.low.device_hours, hours / rates.high.device_hours,
                  format_count(static_cast<std::int64_t>(rates.mid.device_hours)),
                  format_count(static_cast<std::int64_t>(rates.high.device_hours)),
                  format_count(static_cast<std::int64_t>(rates.low.device_hours))));
}

void append_result(std::string& out, const Layout& layout) {
  const LayoutEstimate& e = layout.estimate;
  append_named(out, "step",
               fmt::format("{}  [calibrated on {} published runs], limited by {}",
                           times(e.step_time), e.n_time_rows, e.limited_by));
  append_named(out, "tokens/s", interval_text(e.tokens_per_second, 0));
  append_named(out, "MFU",
               fmt::format("{:.1f} % causal half, {:.1f} % full square; hardware {:.1f} %",
                           100 * e.mfu_causal, 100 * e.mfu_full, 100 * e.hfu));
  append_named(out, "whole job",
               fmt::format("{} tokens: {}, {:.4g} device-hours", format_count(layout.job->n_tokens),
                           times(in_seconds(e.hours)), e.device_hours.mid));
  if (layout.device.price_per_device) {
    const Interval usd = cost(e.device_hours, *layout.device.price_per_device);
    append_named(out, "price",
                 fmt::format("{} ({} to {}) at ${:.3f} an hour and device ({})",
                             format_dollars(Dollars(usd.mid)), format_dollars(Dollars(usd.low)),
                             format_dollars(Dollars(usd.high)),
                             layout.device.price_per_device->value, layout.device.price_source));
  }
  append_interruptions(out, layout);
  append_named(out, "memory",
               fmt::format("{} ({} to {}) of {} GiB: {}; largest: {}", gib(e.memory_bytes.mid),
                           gib(e.memory_bytes.low), gib(e.memory_bytes.high), gib(e.capacity),
                           name_of(e.verdict), e.memory_limited_by));
  if (!layout.network_note.empty()) append_named(out, "network", layout.network_note);
  for (const std::string& note : notes(*layout.job)) append_named(out, "note", note);
}

std::string part_table(const char* title, const char* unit, const std::vector<NamedPart>& parts,
                       double scale) {
  double sum = 0;
  for (const NamedPart& part : parts) sum += part.value;
  Table table({{title, Align::left}, {unit}, {"share"}});
  for (const NamedPart& part : parts)
    if (part.value > 0.0005 * sum)
      table.add({part.name, fmt::format("{:.3f}", part.value / scale),
                 fmt::format("{:.1f} %", 100 * part.value / sum)});
  return table.text();
}

std::string derivation_text(const Layout& layout) {
  Table table({{"why", Align::left}, {"", Align::left}});
  for (const Derivation& line : derive(layout.plan.setup, layout.cluster, *layout.engine,
                                       *layout.constants, layout.estimate))
    table.add({line.name, line.text});
  return table.text();
}

/// Every choice with what it takes and what it costs over keeping everything.
std::string recompute_table(const Layout& layout) {
  if (layout.recompute_choices.empty()) return "";
  const double none = layout.recompute_choices.front().step_s;
  Table table(
      {{fmt::format("recompute within {:.2f} GiB", layout.recompute_limit / gibi), Align::left},
       {"layers", Align::left},
       {"device GiB"},
       {"host GiB"},
       {"step"},
       {"time"}});
  for (const RecomputeChoice& choice : layout.recompute_choices)
    table.add({choice.name, describe(choice.counts, layout.job->model.n_layers),
               fmt::format("{:.2f} {}", choice.device / gibi, choice.fits ? "ok" : "no"),
               choice.host > 0 ? fmt::format("{:.2f}", choice.host / gibi) : "-",
               format_time(Seconds(choice.step_s)),
               fmt::format("{:+.1f} %", 100 * (choice.step_s / none - 1))});
  return "\n" + table.text();
}

std::vector<std::string> ranking_row(const Layout& layout, bool first) {
  const LayoutEstimate& e = layout.estimate;
  std::string usd = "-";
  if (layout.device.price_per_device)
    usd = format_dollars(Dollars(cost(e.device_hours, *layout.device.price_per_device).mid));
  return {(first ? "* " : "  ") + layout.engine->name,
          fmt::format("{} x {}", layout.device.count, layout.device.name),
          describe(layout.plan),
          format_count(static_cast<std::int64_t>(e.tokens_per_second.mid)),
          format_time(Seconds(e.hours.mid * 3600)),
          usd,
          gib(e.memory_bytes.mid)};
}

std::string ranking_table(const std::vector<Layout>& layouts, std::size_t shown) {
  Table table({{"engine", Align::left},
               {"devices", Align::left},
               {"layout", Align::left},
               {"tokens/s"},
               {"whole job"},
               {"cost"},
               {"GiB"}});
  for (std::size_t i = 0; i < std::min(shown, layouts.size()); ++i)
    table.add(ranking_row(layouts[i], i == 0));
  return table.text();
}

}  // namespace

std::string layout_text(const Layout& layout, bool why) {
  std::string out;
  append_head(out, layout);
  append_result(out, layout);
  out += recompute_table(layout);
  if (why) return out + "\n" + derivation_text(layout);
  return out + "\n" + part_table("memory at the peak", "GiB", named(layout.estimate.memory), gibi) +
         "\n" + part_table("time of a step", "ms", named(layout.estimate.time), 1e-3) + "\n" +
         phases_table(
             phases_of(layout.plan.setup, layout.cluster, *layout.engine, layout.estimate));
}

std::string rejected_text(const LatticeResult& counts) {
  std::string out = fmt::format("{} plans considered, {} fit", format_count(counts.n_considered),
                                format_count(counts.n_fit));
  for (int i = 0; i < n_obstacles; ++i)
    if (counts.rejected[i] > 0)
      out += fmt::format("\n  out: {} with {}", format_count(counts.rejected[i]),
                         describe(static_cast<Obstacle>(i)));
  return out + "\n";
}

std::string ranking_text(const LayoutRanking& ranking) {
  std::string out = ranking_table(ranking.ranked, 8) + "\n";
  if (ranking.pareto.size() > 1)
    out += "cheaper or faster, nothing in between is worse (Pareto front):\n" +
           ranking_table(ranking.pareto, 8) + "\n";
  return out + rejected_text(ranking.counts);
}

}  // namespace aforo
