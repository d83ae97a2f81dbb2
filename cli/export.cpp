#include "planner/report/export/export.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/version.h"
#include "planner/base/dates.h"
#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/json.h"
#include "planner/report/export/facts.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/plan_file.h"

namespace aforo::cli {
namespace {

std::string target_list() {
  std::string out =
      "Targets (and forms, the first that can say the plan unless --form names one):\n";
  for (const ExportTarget& target : export_targets())
    out += fmt::format("  {:<13} {:<10} {:<19} {}\n", target.name, target.form, target.file_name,
                       target.summary);
  return out +
         "\nWhat a target cannot express is refused (exit code 2) with what differs and who can. "
         "Each file carries the\nplan's numbers: tokens/s with interval, memory of a device, "
         "price, "
         "date, version.";
}

ExportRequest read_request(const Arguments& args, const PlanFile& file, const std::string& path) {
  ExportRequest request;
  request.plan = &file;
  request.plan_path = path;
  if (!file.hardware.ends_with(".yaml")) request.card = find_accelerator(file.hardware);
  request.aforo_version = aforo_version;
  request.date = today();
  request.form = args.find<std::string>("form").value_or("");
  request.command = args.find<std::string>("command").value_or("");
  request.base_model = args.find<std::string>("base-model").value_or("");
  request.card_name = args.find<std::string>("card-name").value_or("");
  request.bucket = args.find<std::string>("bucket").value_or("");
  request.image = args.find<std::string>("image").value_or("");
  request.gpus_per_node = positive(args, "gpus-per-node", 0);
  request.budget_usd = args.find<double>("budget-usd");
  if (request.budget_usd && !(*request.budget_usd > 0))
    throw InputError(fmt::format("--budget-usd is {}; expected more than 0", *request.budget_usd));
  return request;
}

std::string as_json(const ExportTarget& target, const ExportRequest& request,
                    const Exported& exported) {
  JsonWriter json;
  json.begin_object().field("schema_version", schema_version).field("target", target.name);
  json.field("form", target.form).field("file_name", target.file_name);
  json.field("checked_with", target.checked);
  json.key("prediction").begin_object();
  write_facts(json, request);
  json.end_object().field("contents", exported.text).key("notes").begin_array();
  for (const std::string& note : exported.notes) json.value(note);
  json.end_array().end_object();
  return json.text() + "\n";
}

}  // namespace

int run_export(const CommandLine& command_line) {
  const Help help{"export",
                  "PLAN.yaml --to TARGET [-o FILE] [options]",
                  "A plan as a file that another tool runs: trainers, batch systems, clouds.",
                  {"aforo export plan.yaml --to deepspeed -o ds_config.json",
                   "aforo export plan.yaml --to accelerate --form fsdp1",
                   "aforo export plan.yaml --to slurm --command 'bash megatron.sh' -o job.sbatch",
                   "aforo export plan.yaml --to skypilot --budget-usd 20 -o task.sky.yaml"},
                  target_list()};
  po::options_description options("options");
  options.add_options()("plan", po::value<std::string>(), "a plan that `aforo plan` wrote")(
      "to", po::value<std::string>(), "the target, see below")(
      "form", po::value<std::string>(), "of a target with several, see below")(
      "output,o", po::value<std::string>(), "write it to this file; default: standard output")(
      "command", po::value<std::string>(),
      "slurm, skypilot, vast: the shell command that trains on each machine; default: aforo run "
      "for "
      "native plans, else torchrun $TRAIN")("base-model", po::value<std::string>(),
                                            "axolotl: the model's Hugging Face name or path")(
      "gpus-per-node", po::value<int>(), "devices of a machine; default: the card's usual machine")(
      "card-name", po::value<std::string>(), "skypilot, vast: the card as they call it")(
      "bucket", po::value<std::string>(), "skypilot: bucket that keeps the checkpoints")(
      "image", po::value<std::string>(), "vast: the container image")(
      "budget-usd", po::value<double>(),
      "skypilot, vast: dollars after which the run is stopped; default: a quarter above the upper "
      "estimate");
  const Arguments args(help, options, {"plan"}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;

  const std::string path = args.require("plan");
  const std::string name = args.require("to");
  const PlanFile file = read_plan_file(path);
  const ExportRequest request = read_request(args, file, path);
  const ExportTarget& target = choose_target(name, request);
  const Exported exported = export_plan(target, request);
  const auto output = args.find<std::string>("output");
  if (output) write_file(*output, exported.text);
  if (args.json()) {
    fmt::print("{}", as_json(target, request, exported));
    return 0;
  }
  if (output)
    fmt::print("Wrote {}: {}\n", *output, target.summary);
  else
    fmt::print("{}", exported.text);
  for (const std::string& note : exported.notes) fmt::print(stderr, "note: {}\n", note);
  return 0;
}

}  // namespace aforo::cli
