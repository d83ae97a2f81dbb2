#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/import.h"
#include "cli/inputs.h"
#include "cli/layout.h"
#include "cli/rank_options.h"
#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/lower/lower.h"
#include "planner/report/estimate_json.h"
#include "planner/report/estimate_report.h"

namespace aforo::cli {

int run_estimate(const CommandLine& command_line) {
  const Help help{
      "estimate",
      "--model M --gpu G[:n] [--from FILE] [options]",
      "What one plan needs and takes: FLOPs, memory by role and phase, time by op, price.",
      {"aforo estimate --model llama-3.1-8b --gpu h100 --seq-len 4096 --recompute full",
       "aforo estimate --model llama-3.1-70b --gpu h100:64 --tp 8 --pp 2 --sharding zero1 --why",
       "aforo estimate --model qwen2.5-7b --gpu rtx-4090 --method qlora --recompute full",
       "aforo estimate --model gpt2 --gpu rtx-4090:2 --micro-batch-size 8 --tokens 10B --json",
       "aforo estimate --model llama-3.1-8b --gpu h100:8 --engine native --sharding yafsdp",
       "aforo estimate --model path/to/config.json --gpu a100-80 --global-batch-size 64",
       "aforo estimate --from ds_config.json --model llama-3.1-8b --gpu h100:8 --seq-len 4096"},
      "One device and full training, or --engine native on several: the program that `aforo run` "
      "executes, op by\nop. Other engines, adapters and experts: the same cost model in closed "
      "form, "
      "calibrated on published runs."};
  po::options_description options("options");
  add_estimate_options(options);
  add_rank_options(options);
  options.add_options()("from", po::value<std::string>(),
                        "take the layout from a configuration of DeepSpeed, accelerate or axolotl, "
                        "or from an sbatch file")("as", po::value<std::string>(),
                                                  "what --from is; default: by its content")(
      "why", "show the formulas with the numbers in them, line by line")(
      "output,o", po::value<std::string>(), "write the plan to this file");
  const Arguments given(help, options, {"model"}, command_line);
  if (given.help_wanted()) return fmt::print("{}", given.help_text()), 0;
  std::optional<Imported> imported;
  if (const auto path = given.find<std::string>("from"))
    imported = read_import(*path, peer_kind(given), given);
  const CommandLine line = imported ? with_import(command_line, given, *imported) : command_line;
  const Arguments args(help, options, {"model"}, line);

  Device device = read_device(args);
  const int micro_batch_size = args.find<int>("micro-batch-size").value_or(1);
  const bool ranks = wants_native_ranks(args, device);
  const int n_ranks = ranks ? n_ranks_of(args, device) : device.line.count;
  const TrainingJob job = read_job(args, std::max(1, micro_batch_size) * n_ranks);
  if (imported && !args.json()) fmt::print("{}", imported_text(*imported));
  if (!ranks && wants_layout(args, job, device))
    return estimate_layout_command(args, job, device, imported ? &*imported : nullptr);
  const Precision usual = device.has_bf16   ? Precision::bf16
                          : device.has_fp16 ? Precision::fp16
                                            : Precision::fp32;
  Plan plan = read_plan(args, job, n_ranks, usual);
  if (ranks) {
    read_rank_options(args, n_ranks, plan);
    device.model = rank_cost_model(device);
  }
  const StepProgram program = lower(job, plan, device.target);
  const Estimate estimate = simulate(program, job, plan, *device.model);
  if (const auto output = args.find<std::string>("output"))
    write_file(*output, write_plan_file(plan_file_of(job, plan, program, estimate, device)));
  fmt::print("{}", args.json() ? estimate_json(job, plan, program, estimate, device.line)
                               : estimate_text(job, plan, program, estimate, device.line));
  return static_cast<int>(estimate.verdict == Verdict::too_big ? ExitCode::infeasible
                                                               : ExitCode::ok);
}

}  // namespace aforo::cli
