#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/comparison.h"
#include "cli/planned.h"
#include "planner/base/files.h"
#include "planner/lower/lower.h"
#include "planner/report/trace/chrome_trace.h"
#include "planner/report/trace/memory_snapshot.h"
#include "runtime/core/run_log.h"

namespace aforo::cli {
namespace {

/// What a trace is made of: a program with predicted ops, measured ones where a run has them.
struct Traced {
  StepProgram program;
  std::vector<TracedOp> ops;
};

Traced of_run(const std::string& path) {
  const RunRecord run = read_run_log(path);
  const PlanFile file = read_plan_text(run.header.plan, path + " (plan)");
  Traced traced{lower(file.job, file.plan, target_of(file.target)), {}};
  if (!run.profile || run.profile->ops.empty())
    throw InputError(
        fmt::format("{}: no step was profiled op by op, so there is nothing measured; "
                    "`aforo trace` of the plan has the prediction",
                    path));
  traced.ops = traced_ops(comparison_of(run));
  return traced;
}

Traced of_plan(const Arguments& args, const std::string& path) {
  const LayoutWorld world;
  const auto planned = evaluate_plan(args, world, path);
  if (!planned->program)
    throw InputError(
        fmt::format("{}: engine {} runs no program of ours, so there are no ops to "
                    "trace; `aforo report` shows its time by part",
                    path, planned->file.plan.engine));
  return {*planned->program, traced_ops(*planned->program, *planned->estimate)};
}

int print_written(const std::string& output, const std::string& format, std::size_t n_ops) {
  JsonWriter json;
  json.begin_object().field("schema_version", 1).field("output", output).field("format", format);
  json.field("n_ops", static_cast<std::int64_t>(n_ops)).end_object();
  fmt::print("{}\n", json.text());
  return 0;
}

}  // namespace

int run_trace(const CommandLine& command_line) {
  const Help help{
      "trace",
      "PLAN.yaml | RUN.jsonl [--format chrome | torch-memory] -o FILE",
      "One step as a trace that other viewers draw: ops over time, memory over ops.",
      {"aforo trace plan.yaml -o trace.json", "aforo trace run.jsonl -o trace.json",
       "aforo trace plan.yaml --format torch-memory -o snapshot.pickle"},
      "chrome: for ui.perfetto.dev and chrome://tracing; of a run, predicted and measured "
      "are two processes.\ntorch-memory: for pytorch.org/memory_viz. Both viewers keep "
      "the file on your machine."};
  po::options_description options("options");
  options.add_options()("file", po::value<std::string>(), "a native plan, or a log of `aforo run`")(
      "format", po::value<std::string>(), "chrome (default) or torch-memory")(
      "output,o", po::value<std::string>(), "write it to this file; default: standard output");
  const Arguments args(help, options, {"file"}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;

  const std::string path = args.require("file");
  const std::string format = args.find<std::string>("format").value_or("chrome");
  if (args.json() && !args.has("output"))
    throw InputError("--json says what was written: give -o FILE too");
  if (format != "chrome" && format != "torch-memory")
    throw InputError(fmt::format("--format is \"{}\"; expected chrome or torch-memory", format));
  const Traced traced = path.ends_with(".jsonl") ? of_run(path) : of_plan(args, path);
  const std::string text = format == "chrome" ? chrome_trace(traced.ops, &traced.program)
                                              : memory_snapshot(traced.program);
  if (const auto output = args.find<std::string>("output")) {
    write_file(*output, text);
    if (args.json()) return print_written(*output, format, traced.ops.size());
    fmt::print("Wrote {}: {} ops\n", *output, traced.ops.size());
  } else {
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
  return 0;
}

}  // namespace aforo::cli
