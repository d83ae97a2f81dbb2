#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/arguments.h"
#include "cli/bill_options.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/layout.h"
#include "cli/rank_options.h"
#include "cli/terminal.h"
#include "cli/version.h"
#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/format.h"
#include "planner/base/quantity.h"
#include "planner/lower/lower.h"
#include "planner/report/estimate_json.h"
#include "planner/report/estimate_report.h"
#include "planner/report/table.h"
#include "planner/search/search.h"
#include "planner/spec/enum_tables.h"
#include "planner/spec/plan_file.h"

namespace aforo::cli {
namespace {

std::vector<Precision> precisions(const Arguments& args, const Device& device) {
  std::vector<Precision> wanted;
  for (const std::string& name : args.list("precision")) {
    const Precision* precision = find_enum<Precision>(name);
    if (precision == nullptr)
      throw InputError(fmt::format("--precision has \"{}\"; expected fp32, bf16 or fp16", name));
    wanted.push_back(*precision);
  }
  if (!wanted.empty()) return wanted;
  // fp16 needs loss scaling and wins nothing where bf16 runs at the same rate.
  if (device.has_bf16) return {Precision::bf16, Precision::fp32};
  return {Precision::fp16, Precision::fp32};
}

SearchRequest read_request(const Arguments& args, const TrainingJob& job, const Device& device) {
  SearchRequest request;
  request.job = job;
  request.target = device.target;
  if (wants_native_ranks(args, device)) {
    request.dp = n_ranks_of(args, device);
    request.shardings = shardings_to_try(args, request.dp);
    request.shard_group = positive(args, "shard-group", 0);
    request.reshard_after_forward = !args.get<bool>("keep-gathered");
    request.deterministic = args.get<bool>("deterministic");
  }
  request.precisions = precisions(args, device);
  if (const auto size = args.find<int>("micro-batch-size")) request.micro_batch_sizes = {*size};
  request.memory_limit = quantity<Bytes>(args, "memory-limit", parse_bytes, expected_bytes);
  request.deadline = quantity<Seconds>(args, "deadline", parse_seconds, expected_seconds);
  request.price_per_device = device.line.price_per_device;
  if (const auto budget = args.find<double>("budget-usd")) {
    if (!(*budget > 0))
      throw InputError(fmt::format("--budget-usd is {}; expected more than 0", *budget));
    if (!request.price_per_device)
      throw InputError(
          "--budget-usd needs a price: no offer is known for this device, so give --price");
    request.budget = Dollars(*budget);
  }
  return request;
}

std::string ranking(const SearchResult& result, const TrainingJob& job) {
  Table table(
      {{"plan", Align::left}, {"tokens/s"}, {"step"}, {"GiB"}, {"fits", Align::left}, {"cost"}});
  constexpr std::size_t shown = 6;
  for (std::size_t i = 0; i < std::min(shown, result.ranked.size()); ++i) {
    const Candidate& c = result.ranked[i];
    table.add({(i == 0 ? "* " : "  ") + plan_line(job, c.plan),
               format_count(static_cast<std::int64_t>(c.estimate.tokens_per_second.mid)),
               format_time(Seconds(c.estimate.step_time.mid)),
               fmt::format("{:.2f}", as_gib(c.estimate.memory)),
               std::string(name_of(c.estimate.verdict)),
               c.cost ? fmt::format("${:.2f}", c.cost->mid) : "-"});
  }
  return table.text();
}

std::string as_json(const SearchResult& result, const SearchRequest& request) {
  JsonWriter json;
  json.begin_object()
      .field("schema_version", schema_version)
      .field("model", request.job.model.name);
  json.field("n_evaluated", result.n_evaluated).key("ranked").begin_array();
  for (const Candidate& c : result.ranked) {
    json.begin_object();
    write_plan_json(json, request.job, c.plan);
    write_interval_json(json, "step_time_s", c.estimate.step_time);
    write_interval_json(json, "tokens_per_s", c.estimate.tokens_per_second);
    json.field("memory_bytes", c.estimate.memory.value)
        .field("verdict", name_of(c.estimate.verdict));
    if (c.cost) write_interval_json(json, "cost_usd", *c.cost);
    json.end_object();
  }
  json.end_array().key("rejected").begin_array();
  for (const Rejection& r : result.rejected)
    json.begin_object().field("what", r.what).field("reason", r.reason).end_object();
  json.end_array().key("why").begin_array();
  for (const std::string& reason : result.why) json.value(reason);
  json.end_array().end_object();
  return json.text() + "\n";
}

int infeasible(const SearchResult& result) {
  fmt::print(stderr, "aforo: no plan: {} tried\n", result.n_evaluated);
  for (const Rejection& r : result.rejected) fmt::print(stderr, "  {}: {}\n", r.what, r.reason);
  const bool budget = std::any_of(result.rejected.begin(), result.rejected.end(),
                                  [](const Rejection& r) { return r.over_budget; });
  return static_cast<int>(budget ? ExitCode::over_budget : ExitCode::infeasible);
}

}  // namespace

int run_plan(const CommandLine& command_line) {
  const Help help{
      "plan",
      "--model M [--gpu G[:n] | --hardware FILE] [options] -o plan.yaml",
      "The fastest plan that fits, over precision, micro-batch, recomputation and, on several "
      "devices, parallel layouts; why it won, what came next.",
      {"aforo plan --model gpt-tiny --data book.txt --steps 200 -o plan.yaml",
       "aforo plan --model llama-3.2-1b --gpu rtx-4090 --seq-len 2048 --global-batch-size 64 "
       "--tokens 1B",
       "aforo plan --model gpt-tiny --data book.txt --ranks 4 --deterministic -o plan.yaml",
       "aforo plan --model gpt2 --gpu a100:8 --tokens 10B --budget-usd 40 --deadline 12h -o "
       "plan.yaml",
       "aforo plan --model llama-3.1-8b --method qlora --tokens 15M --gpus owned:4x3090,rent:any "
       "--budget-usd 20 --deadline 12h --spot never -o plan.yaml",
       "aforo plan --model llama-3.1-70b --gpu h100:64,a100-80:128 --seq-len 8192 "
       "--global-batch-size 512 --tokens 100B"},
      "Without --gpu or --hardware the plan is for this machine as `aforo calibrate` measured it."};
  po::options_description options("options");
  add_job_options(options);
  add_device_options(options);
  options.add_options()("precision", po::value<std::string>(),
                        "those to try, with commas; default: bf16 (fp16 without it) and fp32")(
      "micro-batch-size", po::value<int>(), "only this one")(
      "memory-limit", po::value<std::string>(),
      "per device, such as \"20 GiB\"; default: all of it, of layouts 95 %")(
      "budget-usd", po::value<double>(), "no plan may cost more")(
      "deadline", po::value<std::string>(), "such as \"36 h\": no plan may take longer")(
      "engine", po::value<std::string>(),
      "search layouts of these engines, with commas (profiles/engines); default with several "
      "devices: all that can")("objective", po::value<std::string>(),
                               "of layouts: time (default) or money")(
      "sharding", po::value<std::string>(),
      "layouts with these only, with commas: ddp, zero1, zero2, zero3, fsdp, hsdp, yafsdp; native "
      "on "
      "several ranks tries ddp, zero1, zero2, fsdp, yafsdp by default")(
      "tp", po::value<int>(), "only this tensor-parallel degree")(
      "pp", po::value<int>(), "only this number of pipeline stages")(
      "cp", po::value<int>(), "only this context-parallel degree")(
      "ep", po::value<int>(), "only this expert-parallel degree")(
      "recompute", po::value<std::string>(),
      "what layouts may recompute: none, selective or full; default: either")(
      "offload-states", po::value<std::string>(), "none: layouts keep optimizer states")(
      "offload-activations", po::value<std::string>(), "none: layouts keep activations")(
      "output,o", po::value<std::string>(), "write the best plan to this file")(
      "gpus", po::value<std::string>(),
      "compare offers: owned:4x3090,rent:any,rent:8xh100 (takes the place of --gpu; cheapest first "
      "unless --objective time)")("spot", po::value<std::string>(),
                                  "with --gpus: allow (default), only or never")(
      "max-devices", po::value<int>(), "with --gpus: rented together at most; default 8")(
      "all", "with --gpus: every row");
  add_bill_options(options);
  add_rank_options(options);
  const Arguments args(help, options, {"model"}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;

  if (args.has("gpus")) return plan_scenario_command(args);
  for (const char* option : {"spot", "max-devices", "all"})
    if (args.has(option))
      throw InputError(fmt::format("--{} belongs to --gpus, which is not given", option));
  if (lists_devices(args)) return plan_layout_command(args);
  Device device = read_device(args);
  const bool ranks = !args.has("objective") && wants_native_ranks(args, device);
  const TrainingJob job =
      read_job(args, 16 * (ranks ? n_ranks_of(args, device) : device.line.count));
  if (!ranks && (args.has("objective") || args.has("recompute") || wants_layout(args, job, device)))
    return plan_layout_command(args);
  if (ranks) device.model = rank_cost_model(device);
  const SearchRequest request = read_request(args, job, device);
  const SearchResult result = search(request, *device.model);
  if (args.json()) fmt::print("{}", as_json(result, request));
  if (result.ranked.empty()) return infeasible(result);

  const Candidate& best = result.ranked.front();
  PlanFile file =
      plan_file_of(job, best.plan, lower(job, best.plan, request.target), best.estimate, device);
  file.why = result.why;
  const auto output = args.find<std::string>("output");
  if (output) write_file(*output, write_plan_file(file));
  if (args.json()) return 0;

  fmt::print("{}\n", estimate_text(job, best.plan, lower(job, best.plan, request.target),
                                   best.estimate, device.line));
  fmt::print("{}\n", ranking(result, job));
  fmt::print("why: {}\n", fmt::join(result.why, "; "));
  for (const Rejection& r : result.rejected) fmt::print("out: {}: {}\n", r.what, r.reason);
  if (output)
    fmt::print("\nWrote {} (program {}). Next: aforo run {}\n", *output, file.fingerprint, *output);
  return 0;
}

}  // namespace aforo::cli
