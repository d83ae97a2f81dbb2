#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/rank_options.h"
#include "cli/version.h"
#include "planner/base/json.h"
#include "planner/lower/lower.h"
#include "planner/spec/plan_file.h"

namespace aforo::cli {
namespace {

std::string as_json(const StepProgram& program) {
  JsonWriter json;
  json.begin_object()
      .field("schema_version", schema_version)
      .field("fingerprint", fingerprint(program));
  json.key("sections").begin_array();
  for (const Section& section : program.sections)
    json.begin_object()
        .field("kind", name_of(section.kind))
        .field("begin", section.begin)
        .field("end", section.end)
        .field("repeat", section.repeat)
        .end_object();
  json.end_array();
  json.key("buffers").begin_array();
  for (std::size_t id = 0; id < program.buffers.size(); ++id) {
    const Buffer& buffer = program.buffers[id];
    json.begin_object()
        .field("name", buffer.name)
        .field("rows", buffer.shape.rows)
        .field("cols", buffer.shape.cols);
    json.field("dtype", name_of(buffer.dtype))
        .field("role", name_of(buffer.role))
        .field("persistent", buffer.persistent);
    if (!program.memory.offsets.empty()) json.field("offset", program.memory.offsets[id]);
    json.end_object();
  }
  json.end_array();
  json.key("ops").begin_array();
  for (const Op& op : program.ops) {
    const Cost cost = cost_of(program, op);
    json.begin_object().field("op", name_of(op)).field("label", describe(op.label));
    json.key("reads").begin_array();
    for (BufferId id : op.reads) json.value(id);
    json.end_array().key("writes").begin_array();
    for (BufferId id : op.writes) json.value(id);
    json.end_array().field("flops", cost.flops).field("bytes", cost.bytes).end_object();
  }
  json.end_array().end_object();
  return json.text() + "\n";
}

}  // namespace

int run_dump(const CommandLine& command_line) {
  const Help help{
      "dump",
      "[PLAN.yaml | --model M ...] [--after PASS]",
      "Prints the step program: every op with its operands, FLOPs and bytes.",
      {"aforo dump --model gpt-tiny --seq-len 64", "aforo dump plan.yaml --after recompute",
       "aforo dump --model llama-tiny --recompute full --after append_backward"},
      fmt::format("passes: {}", fmt::join(pass_names(), ", "))};
  po::options_description options("options");
  options.add_options()("plan", po::value<std::string>(), "a plan file")(
      "after", po::value<std::string>(), "stop after this pass; default: the last")(
      "target", po::value<std::string>()->default_value("cpu"), "cpu or cuda");
  add_job_options(options);
  add_plan_options(options);
  options.add_options()("sharding", po::value<std::string>(),
                        "of --ranks: ddp, zero1, zero2, zero3, fsdp, hsdp, yafsdp");
  add_rank_options(options);
  const Arguments args(help, options, {"plan"}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;

  TrainingJob job;
  Plan plan;
  std::string target = args.get<std::string>("target");
  if (const auto path = args.find<std::string>("plan")) {
    const PlanFile file = read_plan_file(*path);
    job = file.job;
    plan = file.plan;
    target = file.target;
  } else {
    const int n_ranks = positive(args, "ranks", 1);
    job = read_job(args, std::max(1, args.find<int>("micro-batch-size").value_or(1)) * n_ranks);
    plan = read_plan(args, job, n_ranks, Precision::bf16);
    read_rank_options(args, n_ranks, plan);
  }
  const std::string last = args.find<std::string>("after").value_or(pass_names().back());
  const StepProgram program = lower_until(job, plan, target_of(target), last);
  verify(program);
  fmt::print("{}", args.json() ? as_json(program) : print(program));
  return 0;
}

}  // namespace aforo::cli
