#pragma once
// Options that several commands share, and what they mean: a job, a plan, a device.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <optional>
#include <string>

#include "cli/arguments.h"
#include "planner/base/error.h"
#include "planner/program/program.h"
#include "planner/report/estimate_report.h"
#include "planner/simulate/cost_model.h"
#include "planner/spec/enum_tables.h"
#include "planner/spec/job.h"
#include "planner/spec/machine_file.h"
#include "planner/spec/plan_file.h"

namespace aforo::cli {

/// The value of an option that names one of an enumeration's values. Throws InputError.
template <typename E>
E choice(const Arguments& args, const char* option, E fallback) {
  const auto text = args.find<std::string>(option);
  if (!text) return fallback;
  if (const E* value = find_enum<E>(*text)) return *value;
  throw InputError(fmt::format("--{} is \"{}\"; expected {}", option, *text,
                               fmt::join(enum_choices<E>(), ", ")));
}

/// The value of an option that counts something. Throws InputError below 1.
int positive(const Arguments& args, const char* option, int fallback);

/// The quantity of an option, nothing without it. Throws InputError with what was expected.
template <typename Q>
std::optional<Q> quantity(const Arguments& args, const char* option,
                          std::optional<Q> (*parse)(std::string_view), std::string_view expected) {
  const auto text = args.find<std::string>(option);
  if (!text) return std::nullopt;
  if (const auto value = parse(*text)) return value;
  throw InputError(fmt::format("--{} is \"{}\"; expected {}", option, *text, expected));
}

/// --model, --seq-len, --global-batch-size, --tokens, --steps, --data ..., --optimizer ...
void add_job_options(po::options_description& options);
/// The job they describe. Defaults: seq_len min(1024, max_seq_len); 20 tokens a parameter, as
/// compute-optimal training; with --data: one pass over the file. `default_batch` sequences per
/// step unless given.
TrainingJob read_job(const Arguments& args, int default_batch);

/// --precision, --recompute, --micro-batch-size
void add_plan_options(po::options_description& options);
/// The plan they describe for `n_devices`; precision defaults to `sixteen_bit_or_fp32`.
Plan read_plan(const Arguments& args, const TrainingJob& job, int n_devices,
               Precision default_precision);

/// --gpu, --hardware, --price, --price-kind
void add_device_options(po::options_description& options);
struct Device {
  std::unique_ptr<CostModel> model;
  Target target;
  DeviceLine line;
  std::string reference;  ///< what a plan file says: accelerator name or path of the calibration
  bool has_bf16 = true;
  bool has_fp16 = true;
  std::optional<MachineSpec> machine;  ///< where --gpu names one of profiles/machines
  int n_machines = 1;
};
/// The accelerator of --gpu or the calibration of --hardware; without either, the newest
/// calibration of this machine (see calibration_path), else InputError saying how to get one.
Device read_device(const Arguments& args);
/// The card and count of `text`, such as "a100:8", priced by --price or the cheapest known offer.
Device read_gpu(const Arguments& args, const std::string& text);
Device device_of(const std::string& reference, int count);

/// The plan file of a job and plan that native executes.
PlanFile plan_file_of(const TrainingJob& job, const Plan& plan, const StepProgram& program,
                      const Estimate& estimate, const Device& device);

/// "cpu" or "cuda". Throws InputError otherwise.
Target target_of(const std::string& name);

/// Where `aforo calibrate` writes by default: $XDG_CONFIG_HOME/aforo/this-machine.yaml or
/// ~/.config/aforo/....
std::string calibration_path();

/// "2e12", "300B" -> tokens. Throws InputError naming the option.
std::int64_t parse_tokens(const std::string& text, const std::string& option);

}  // namespace aforo::cli
