#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/layout.h"
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
  request.dp = device.line.count;
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

PlanFile plan_file(const SearchRequest& request, const SearchResult& result, const Device& device) {
  const Candidate& best = result.ranked.front();
  PlanFile file;
  file.aforo_version = aforo_version;
  file.fingerprint = fingerprint(lower(request.job, best.plan, request.target));
  file.target = request.target.name;
  file.hardware = device.reference;
  file.job = request.job;
  file.plan = best.plan;
  const Estimate& e = best.estimate;
  file.prediction = {e.trace.arena.value, e.memory.value,
                     e.step_time.low,     e.step_time.mid,
                     e.step_time.high,    e.tokens_per_second.mid,
                     e.hours.mid,         best.cost ? best.cost->mid : -1,
                     device.line.price_source};
  file.why = result.why;
  return file;
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
       "aforo plan --model gpt2 --gpu a100:8 --tokens 10B --budget-usd 40 --deadline 12h -o "
       "plan.yaml",
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
      "output,o", po::value<std::string>(), "write the best plan to this file");
  const Arguments args(help, options, {"model"}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;

  if (lists_devices(args)) return plan_layout_command(args);
  const Device device = read_device(args);
  const TrainingJob probe = read_job(args, 16 * device.line.count);
  if (args.has("objective") || wants_layout(args, probe, device)) return plan_layout_command(args);
  const TrainingJob job = read_job(args, 16 * device.line.count);
  const SearchRequest request = read_request(args, job, device);
  const SearchResult result = search(request, *device.model);
  if (args.json()) fmt::print("{}", as_json(result, request));
  if (result.ranked.empty()) return infeasible(result);

  const PlanFile file = plan_file(request, result, device);
  const auto output = args.find<std::string>("output");
  if (output) write_file(*output, write_plan_file(file));
  if (args.json()) return 0;

  const Candidate& best = result.ranked.front();
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
