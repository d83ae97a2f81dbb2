// Rules of sbatch: what it refuses, and what it never reads.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "planner/base/nearest.h"
#include "planner/base/text.h"
#include "planner/peers/batch_file.h"
#include "planner/peers/lint.h"

namespace aforo {
namespace {

void check_directives(Linter& lint) {
  const std::vector<std::string>& known = lint.keys().keys;
  std::set<std::string> seen;
  for (const Directive& d : lint.file().batch.directives) {
    const bool is_known = std::find(known.begin(), known.end(), d.name) != known.end();
    if (!d.read_by_slurm) {
      lint.report_place(d.place, Severity::error, "ignored",
                        fmt::format("{} is never read: #SBATCH lines count only in front of the "
                                    "first command, without a space after #",
                                    shown(d.name)));
    } else if (!is_known) {
      const std::string near = nearest(d.name, known);
      lint.report_place(d.place, Severity::error, "unknown-key",
                        fmt::format("unknown option {};{} sbatch refuses it", shown(d.name),
                                    near.empty() ? "" : fmt::format(" is {} meant?", near)));
    } else if (!seen.insert(d.name).second) {
      lint.report_place(d.place, Severity::warning, "contradiction",
                        fmt::format("{} is given twice; the last one counts", d.name));
    }
  }
}

void check_time(Linter& lint) {
  const BatchFile& batch = lint.file().batch;
  const Directive* time = batch.find("time");
  if (time == nullptr) {
    const std::string place =
        batch.directives.empty() ? lint.file().path + ":1:1" : batch.directives.front().place;
    lint.report_place(place, Severity::warning, "missing",
                      "no --time: the partition's limit ends the job, without the signal that "
                      "saves a checkpoint");
    return;
  }
  if (!slurm_minutes(time->value) && time->value != "UNLIMITED" && time->value != "INFINITE")
    lint.report_place(time->place, Severity::error, "value",
                      fmt::format("time is {}; expected minutes, hours:minutes:seconds or "
                                  "days-hours:minutes:seconds",
                                  shown(time->value)));
}

void check_batch_counts(Linter& lint) {
  const BatchFile& batch = lint.file().batch;
  const auto count = [&](std::string_view name) -> std::optional<std::int64_t> {
    const Directive* d = batch.find(name);
    return d == nullptr ? std::nullopt : slurm_count(d->value);
  };
  const auto nodes = count("nodes"), total = count("gpus"), each = count("gpus-per-node");
  if (nodes && total && each && *total != *nodes * *each)
    lint.report_place(batch.find("gpus")->place, Severity::error, "contradiction",
                      fmt::format("gpus {} is not nodes {} x gpus-per-node {} = {}", *total, *nodes,
                                  *each, *nodes * *each));
  const auto tasks = count("ntasks"), per_node = count("ntasks-per-node");
  if (nodes && tasks && per_node && *tasks != *nodes * *per_node)
    lint.report_place(batch.find("ntasks")->place, Severity::error, "contradiction",
                      fmt::format("ntasks {} is not nodes {} x ntasks-per-node {} = {}", *tasks,
                                  *nodes, *per_node, *nodes * *per_node));
  const BatchDevices devices = batch_devices(batch);
  if (lint.n_devices() > 0 && devices.total > 0 && devices.total != lint.n_devices())
    lint.report_place(lint.file().path + ":1:1", Severity::warning, "contradiction",
                      fmt::format("the directives ask for {} devices, but --gpu names {}",
                                  devices.total, lint.n_devices()));
}

/// torchrun's processes against the devices of a machine.
void check_commands(Linter& lint) {
  const BatchFile& batch = lint.file().batch;
  const BatchDevices devices = batch_devices(batch);
  for (const BatchCommand& command : batch.commands) {
    const auto count = [&](std::string_view flag) -> std::optional<std::int64_t> {
      const auto value = flag_value(command.text, flag);
      return value ? slurm_count(*value) : std::nullopt;
    };
    const auto processes = count("--nproc-per-node"), machines = count("--nnodes");
    if (processes && devices.per_node > 0 && processes != devices.per_node)
      lint.report_place(
          command.place, Severity::error, "contradiction",
          fmt::format("{} processes on a machine with {} devices", *processes, devices.per_node));
    if (machines && batch.find("nodes") != nullptr && machines != devices.nodes)
      lint.report_place(command.place, Severity::error, "contradiction",
                        fmt::format("--nnodes {} in a job of {} nodes", *machines, devices.nodes));
  }
  if (batch.commands.empty())
    lint.report_place(lint.file().path + ":1:1", Severity::error, "missing",
                      "no command follows the directives");
}

void check_requeue(Linter& lint) {
  const BatchFile& batch = lint.file().batch;
  const Directive* requeue = batch.find("requeue");
  const Directive* mode = batch.find("open-mode");
  if (requeue != nullptr && (mode == nullptr || mode->value != "append"))
    lint.report_place(requeue->place, Severity::warning, "contradiction",
                      "a requeued job overwrites its output; add --open-mode=append");
}

}  // namespace

void lint_sbatch(Linter& lint) {
  check_directives(lint);
  check_time(lint);
  check_batch_counts(lint);
  check_commands(lint);
  check_requeue(lint);
}

}  // namespace aforo
