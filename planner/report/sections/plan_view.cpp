#include "planner/report/sections/plan_view.h"

#include <fmt/format.h>

#include "planner/base/format.h"
#include "planner/report/words.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

std::string gib_text(double bytes) { return fmt::format("{:.2f}", bytes / gibi); }

std::string hours_text(const Interval& hours) {
  const auto text = [](double h) { return format_time(Seconds(h * 3600)); };
  return fmt::format("{} ({} to {})", text(hours.mid), text(hours.low), text(hours.high));
}

std::string usd_text(const Interval& usd) {
  const auto text = [](double d) { return format_dollars(Dollars(d)); };
  return fmt::format("{} ({} to {})", text(usd.mid), text(usd.low), text(usd.high));
}

void set_job(PlanView& view, const TrainingJob& job, const DeviceLine& device) {
  view.model = fmt::format("{}, {} parameters", job.model.name,
                           format_count(count_parameters(job.model).total()));
  view.method = fmt::format("{}, seq_len {}, global_batch_size {}", enum_name(job.method),
                            job.seq_len, job.global_batch_size);
  view.device = fmt::format("{} x {}", device.count, device.name);
  view.n_tokens = job.n_tokens;
  view.price_source = device.price_source;
  if (device.price_per_device) view.usd = cost(view.device_hours, *device.price_per_device);
  view.notes = notes(job);
}

/// Bytes by role at the peak, with what lies outside the program.
std::vector<NamedPart> parts_at_peak(const StepProgram& program, const Estimate& estimate) {
  std::vector<NamedPart> parts;
  for (int role = 0; role < n_roles; ++role)
    parts.push_back({name_of(static_cast<Role>(role)).data(),
                     static_cast<double>(program.memory.at_peak[role].value)});
  parts.push_back({"holes of packing", static_cast<double>(program.memory.fragmentation.value)});
  parts.push_back({"context and process", static_cast<double>(estimate.overhead.value)});
  return parts;
}

std::vector<NamedPart> time_by_phase(const Estimate& estimate) {
  std::vector<NamedPart> parts;
  for (const Phase phase :
       {Phase::setup, Phase::forward, Phase::recompute, Phase::backward, Phase::optimizer}) {
    double sum = 0;
    for (const TimeShare& share : estimate.shares)
      if (share.phase == phase) sum += share.time.value;
    parts.push_back({long_name(phase).data(), sum});
  }
  return parts;
}

}  // namespace

PlanView view_of(const Layout& layout, std::string name) {
  const LayoutEstimate& e = layout.estimate;
  PlanView view;
  view.name = std::move(name);
  view.device_hours = e.device_hours;
  set_job(view, *layout.job, layout.device);
  view.plan = describe(layout.plan);
  view.engine = fmt::format("{}: {}", layout.engine->name, layout.engine->title);
  view.step_time = e.step_time;
  view.tokens_per_second = e.tokens_per_second;
  view.hours = e.hours;
  view.verdict = e.verdict;
  view.memory = e.memory_bytes;
  view.capacity = e.capacity;
  view.mfu_causal = e.mfu_causal;
  view.limited_by = e.limited_by;
  view.memory_limited_by = e.memory_limited_by;
  view.memory_parts = named(e.memory);
  view.time_parts = named(e.time);
  if (!layout.network_note.empty()) view.notes.push_back(layout.network_note);
  return view;
}

PlanView view_of(const TrainingJob& job, const Plan& plan, const StepProgram& program,
                 const Estimate& estimate, const DeviceLine& device, std::string name) {
  PlanView view;
  view.name = std::move(name);
  view.device_hours = estimate.device_hours;
  set_job(view, job, device);
  view.plan = plan_line(job, plan);
  view.engine = "native: aforo's own runtime";
  view.step_time = estimate.step_time;
  view.tokens_per_second = estimate.tokens_per_second;
  view.hours = estimate.hours;
  view.verdict = estimate.verdict;
  const double bytes = static_cast<double>(estimate.memory.value);
  view.memory = {bytes, bytes, bytes};
  view.capacity = static_cast<double>(estimate.capacity.value);
  view.mfu_causal = estimate.mfu_causal;
  view.limited_by = estimate.limited_by;
  view.memory_limited_by = estimate.memory_limited_by;
  view.memory_parts = parts_at_peak(program, estimate);
  view.time_parts = time_by_phase(estimate);
  return view;
}

std::string answer_text(const PlanView& view) {
  const char* fits = view.verdict == Verdict::fits    ? "Fits"
                     : view.verdict == Verdict::tight ? "Fits tightly"
                                                      : "Does not fit";
  std::string text =
      fmt::format("{}: {} of {} GiB on {}; takes {}", fits, gib_text(view.memory.mid),
                  gib_text(view.capacity), view.device, hours_text(view.hours));
  if (view.usd) text += fmt::format("; costs {}", usd_text(*view.usd));
  return text + ".";
}

Page page_of(const std::vector<PlanView>& views) {
  const PlanView& view = views.front();
  Page page;
  page.title = fmt::format("Training {}", view.model);
  page.answer = answer_text(view);
  page.tone = view.verdict == Verdict::fits    ? Tone::good
              : view.verdict == Verdict::tight ? Tone::close
                                               : Tone::bad;
  page.facts = {
      {"plan", view.plan},
      {"engine", view.engine},
      {"job", fmt::format("{}, {} tokens", view.method, format_count(view.n_tokens))},
      {"tokens/s", interval_text(view.tokens_per_second, 0)},
      {"step", fmt::format("{} ({} to {})", format_time(Seconds(view.step_time.mid)),
                           format_time(Seconds(view.step_time.low)),
                           format_time(Seconds(view.step_time.high)))},
      {"MFU (causal half)", fmt::format("{:.1f} %", 100 * view.mfu_causal)},
      {"device-hours", interval_text(view.device_hours, 1)},
      {"time is limited by", view.limited_by},
      {"largest in memory", view.memory_limited_by},
      {"price", view.price_source.empty() ? "none known" : view.price_source},
  };
  for (const PlanView& each : views)
    for (const std::string& note : each.notes) page.notes.push_back(note);
  return page;
}

}  // namespace aforo
