#include "planner/explain/explain.h"

#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "planner/base/error.h"
#include "planner/base/quantity.h"
#include "planner/fast/setup_of_job.h"
#include "planner/money/catalogue.h"
#include "planner/report/explain_report.h"
#include "planner/spec/enum_tables.h"
#include "planner/spec/hardware_file.h"

namespace aforo::cli {
namespace {

/// A batch that twice and four times the devices still divide, of at least 32 sequences.
int usual_batch(int micro_batch_size, int n_devices) {
  const int unit = 4 * micro_batch_size * n_devices;
  return (31 / unit + 1) * unit;
}

/// Every card that somebody rents out, at its cheapest.
std::vector<explain::CardOffer> offers_for(const std::vector<AcceleratorSpec>& cards, int count) {
  const PriceList prices = money::load_catalogue().prices;
  std::vector<explain::CardOffer> offers;
  for (const AcceleratorSpec& card : cards)
    if (const auto offer = cheapest_offer(prices, card.name, count); offer && card.kind == "gpu")
      offers.push_back({&card, offer->price.value / offer->count});
  return offers;
}

void check_batch(const TrainingJob& job, const Plan& plan) {
  if (job.global_batch_size % (plan.micro_batch_size * plan.parallel.dp) == 0) return;
  throw InputError(fmt::format(
      "--global-batch-size is {}; expected a multiple of {}: micro_batch_size {} x {} devices",
      job.global_batch_size, plan.micro_batch_size * plan.parallel.dp, plan.micro_batch_size,
      plan.parallel.dp));
}

/// The baseline by the engine asked for, else by the usual one.
explain::Variant baseline_of(const Arguments& args, const TrainingJob& job, const Plan& plan,
                             const AcceleratorSpec& card,
                             const std::vector<fast::EngineSpec>& engines) {
  const auto make = [&](const std::string& name) {
    const fast::EngineSpec& engine = fast::find_engine(engines, name);
    explain::Variant variant;
    variant.cluster = fast::cluster_of(card, plan.parallel.dp);
    variant.engine = &engine;
    variant.setup = fast::setup_of(job, plan, engine, card);
    fast::set_matrix(variant.setup, engine, fast::usual_matrix(card));
    return variant;
  };
  if (const auto name = args.find<std::string>("engine")) {
    explain::Variant variant = make(*name);
    const Sharding first = variant.engine->supports.shardings.front();
    if (plan.parallel.dp > 1) variant.setup.parallel.sharding = first;  // ddp, if the engine has it
    if (const std::string problem = explain::obstacle(variant); !problem.empty())
      throw InputError(fmt::format("--engine is {}: {}", *name, problem));
    return variant;
  }
  return make(explain::default_engine(make("native")));
}

}  // namespace

int run_explain(const CommandLine& command_line) {
  const Help help{
      "explain",
      "--model M --gpu G[:n] [options]",
      "What each strategy is claimed to bring, and what it brings to this job on this card.",
      {"aforo explain --model llama-3.1-8b --gpu h100:8 --seq-len 4096",
       "aforo explain --model qwen2.5-7b --gpu rtx-4090 --seq-len 2048 --method lora",
       "aforo explain --model path/to/config.json --gpu a100-80:4 --engine deepspeed --json"},
      "Baseline: 16-bit mixed precision, nothing computed again, plain data parallelism. Each "
      "strategy is added\nto it alone. Exit code 3 if nothing fits, with any of them."};
  po::options_description options("options");
  add_job_options(options);
  add_device_options(options);
  options.add_options()("micro-batch-size", po::value<int>(),
                        "sequences per device and micro-step; default 1")(
      "engine", po::value<std::string>(),
      "that runs the baseline; default: native for one device if it can, else torch");
  const Arguments args(help, options, {"model"}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;
  if (args.has("hardware"))
    throw InputError("--hardware names a measured machine; explain compares cards: give --gpu");
  if (!args.has("gpu"))
    throw InputError("no device: give --gpu NAME[:n]; `aforo hardware` lists the names");

  const Device device = read_device(args);
  const std::vector<AcceleratorSpec> cards = all_accelerators();
  const AcceleratorSpec card = find_accelerator(device.reference);
  Plan plan;
  plan.micro_batch_size = positive(args, "micro-batch-size", 1);
  plan.parallel.dp = device.line.count;
  const TrainingJob job = read_job(args, usual_batch(plan.micro_batch_size, plan.parallel.dp));
  check_batch(job, plan);
  const fast::Constants constants = fast::Constants::load();
  const std::vector<fast::EngineSpec> engines = fast::all_engines();

  explain::Request request;
  request.baseline = baseline_of(args, job, plan, card, engines);
  request.baseline.usd_per_device_hour =
      device.line.price_per_device ? device.line.price_per_device->value : 0;
  request.world = {&constants, &engines, static_cast<double>(job.n_tokens), job.lora};
  request.offers = offers_for(cards, plan.parallel.dp);
  const explain::Explanation explanation = explain::explain(request);
  fmt::print("{}", args.json() ? explain_json(explanation, job, device.line)
                               : explain_text(explanation, job, device.line));
  return static_cast<int>(explanation.anything_fits ? ExitCode::ok : ExitCode::infeasible);
}

}  // namespace aforo::cli
