#include "planner/report/estimate_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "planner/base/format.h"
#include "planner/report/phases_report.h"
#include "planner/report/table.h"
#include "planner/report/words.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

void append_parameters(std::string& out, const TrainingJob& job) {
  const ParameterCount count = count_parameters(job.model);
  append_named(
      out, "parameters",
      fmt::format("{} ({} embedding and head, {} attention, {} mlp)", format_count(count.total()),
                  format_count(count.embedding + count.positions + count.lm_head),
                  format_count(count.attention), format_count(count.mlp)));
}

void append_flops(std::string& out, const Estimate& estimate) {
  append_named(out, "FLOPs/step",
               fmt::format("6N {:.4g}, causal {:.4g}, full square {:.4g}; executed {:.4g}",
                           estimate.model_flops_six_n, estimate.model_flops_causal,
                           estimate.model_flops_full, estimate.hardware_flops));
}

void append_time(std::string& out, const Estimate& estimate, const DeviceLine& device) {
  append_named(out, "step",
               fmt::format("{} ({} to {})  [{}], limited by {}",
                           format_time(Seconds(estimate.step_time.mid)),
                           format_time(Seconds(estimate.step_time.low)),
                           format_time(Seconds(estimate.step_time.high)), word(device.origin),
                           estimate.limited_by));
  append_named(out, "tokens/s", interval_text(estimate.tokens_per_second, 0));
  append_named(out, "MFU",
               fmt::format("{:.1f} % causal half, {:.1f} % full square; hardware {:.1f} %",
                           100 * estimate.mfu_causal, 100 * estimate.mfu_full, 100 * estimate.hfu));
}

void append_money(std::string& out, const TrainingJob& job, const Estimate& estimate,
                  const DeviceLine& device) {
  append_named(
      out, "whole job",
      fmt::format("{} steps, {} tokens: {} ({} to {}), {:.4g} device-hours",
                  format_count(job.n_steps()), format_count(job.n_steps() * job.tokens_per_step()),
                  format_time(Seconds(estimate.hours.mid * 3600)),
                  format_time(Seconds(estimate.hours.low * 3600)),
                  format_time(Seconds(estimate.hours.high * 3600)), estimate.device_hours.mid));
  if (!device.price_per_device) return;
  append_named(out, "price",
               fmt::format("${} at ${:.3f} an hour and device ({})",
                           interval_text(cost(estimate.device_hours, *device.price_per_device), 2),
                           device.price_per_device->value, device.price_source));
}

std::string memory_table(const StepProgram& program, const Estimate& estimate) {
  Table table({{"memory at the peak", Align::left}, {"GiB"}, {"share"}});
  const auto row = [&](const std::string& name, Bytes bytes) {
    table.add({name, fmt::format("{:.3f}", as_gib(bytes)),
               fmt::format("{:.1f} %", 100 * (bytes / estimate.memory))});
  };
  for (int role = 0; role < n_roles; ++role)
    if (program.memory.at_peak[role].value > 0)
      row(std::string(name_of(static_cast<Role>(role))), program.memory.at_peak[role]);
  if (program.memory.fragmentation.value > 0) row("gaps", program.memory.fragmentation);
  row("arena", program.memory.arena);
  const Bytes arenas = estimate.memory - estimate.overhead;
  if (arenas > program.memory.arena) row("arenas of all ranks", arenas);
  row("outside the arena", estimate.overhead);
  row("total", estimate.memory);
  return table.text();
}

std::string phases_text(const StepProgram& program, const Estimate& estimate) {
  const Op& op = program.ops[program.memory.peak_op];
  return phases_table(phases_of(program, estimate)) +
         fmt::format("memory is highest at \"{}\"\n", describe(op.label));
}

std::string time_table(const Estimate& estimate) {
  Table table({{"time by op", Align::left},
               {"phase", Align::left},
               {"ops"},
               {"time"},
               {"share"},
               {"TFLOP/s"},
               {"GB/s"}});
  constexpr std::size_t shown = 10;
  for (std::size_t i = 0; i < std::min(shown, estimate.shares.size()); ++i) {
    const TimeShare& share = estimate.shares[i];
    table.add({share.op, std::string(long_name(share.phase)), format_count(share.n_ops),
               format_time(share.time),
               fmt::format("{:.1f} %", 100 * (share.time / estimate.trace.step_time)),
               fmt::format("{:.3g}", share.flops / share.time.value / 1e12),
               fmt::format("{:.3g}", share.bytes / share.time.value / 1e9)});
  }
  return table.text();
}

/// Share of the step in collectives.
double link_share(const StepProgram& program, const Estimate& estimate) {
  Seconds time;
  for (const Section& section : program.sections)
    for (int i = section.begin; i < section.end; ++i)
      if (n_ranks_of(program.ops[i].attrs) > 1)
        time += estimate.trace.spans[i].time * static_cast<double>(section.repeat);
  return time / estimate.trace.step_time;
}

}  // namespace

std::string interval_text(const Interval& interval, int digits) {
  if (digits == 0)
    return fmt::format("{} ({} to {})", format_count(static_cast<std::int64_t>(interval.mid)),
                       format_count(static_cast<std::int64_t>(interval.low)),
                       format_count(static_cast<std::int64_t>(interval.high)));
  return fmt::format("{:.{}f} ({:.{}f} to {:.{}f})", interval.mid, digits, interval.low, digits,
                     interval.high, digits);
}

std::string plan_line(const TrainingJob& job, const Plan& plan) {
  std::string out = fmt::format("{}, recompute {}, micro_batch_size {} x {} micro-steps",
                                enum_name(plan.precision), describe_recompute(plan.recompute),
                                plan.micro_batch_size, plan.grad_accum(job.global_batch_size));
  if (plan.parallel.dp > 1)
    out += fmt::format(" x dp {}, {}", plan.parallel.dp, enum_name(plan.parallel.sharding));
  if (plan.deterministic) out += ", deterministic";
  return out + fmt::format(", seq_len {}", job.seq_len);
}

std::vector<std::string> notes(const TrainingJob& job) {
  std::vector<std::string> notes;
  if (job.seq_len > job.model.max_seq_len)
    notes.push_back(
        fmt::format("seq_len {} is more than {}'s max_seq_len of {}; weights that were trained "
                    "before have not met positions beyond it",
                    job.seq_len, job.model.name, job.model.max_seq_len));
  return notes;
}

std::string estimate_text(const TrainingJob& job, const Plan& plan, const StepProgram& program,
                          const Estimate& estimate, const DeviceLine& device) {
  std::string out;
  append_named(out, "model", job.model.name);
  append_named(out, "device",
               device.count > 1 ? fmt::format("{} x {}", device.count, device.name) : device.name);
  append_named(out, "plan", plan_line(job, plan));
  append_parameters(out, job);
  append_flops(out, estimate);
  append_time(out, estimate, device);
  append_money(out, job, estimate, device);
  append_named(out, "memory",
               fmt::format("{:.2f} of {:.2f} GiB: {}; largest: {}", as_gib(estimate.memory),
                           as_gib(estimate.capacity), name_of(estimate.verdict),
                           estimate.memory_limited_by));
  if (program.n_ranks > 1)
    append_named(out, "traffic",
                 fmt::format("{} a step and rank, {:.1f} % of the step's time",
                             format_bytes(Bytes(static_cast<std::int64_t>(sent_bytes(program)))),
                             100 * link_share(program, estimate)));
  for (const std::string& note : notes(job)) append_named(out, "note", note);
  out += "\n" + memory_table(program, estimate) + "\n" + phases_text(program, estimate) + "\n" +
         time_table(estimate);
  return out;
}

}  // namespace aforo
