#include <fmt/format.h>

#include <algorithm>

#include "cli/arguments.h"
#include "cli/bill_options.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "planner/base/error.h"
#include "planner/base/format.h"
#include "planner/base/quantity.h"
#include "planner/money/date.h"
#include "planner/money/ownership.h"
#include "planner/report/bill_report.h"
#include "planner/report/prices_report.h"
#include "planner/report/scenario_report.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/plan_file.h"

namespace aforo::cli {
namespace {

/// What is paid for: hours on a card, and the job and plan behind them if there are any.
struct Billed {
  scenarios::Scenario scenario;  ///< job, bill wishes, limits
  scenarios::Site site;
  Interval hours;
  std::string job, plan;
};

scenarios::Site site_of(const scenarios::World& world, const std::string& name, int count) {
  const AcceleratorSpec* card = world.card(find_accelerator(name).name);
  if (card == nullptr) throw InputError(fmt::format("there is no profile of {}", name));
  const int per_machine = std::max(1, card->per_node);
  return {card, count, (count + per_machine - 1) / per_machine};
}

/// A plan file says how long it takes.
Billed billed_plan(const Arguments& args, const scenarios::World& world, const std::string& path) {
  if (args.has("gpu") || args.has("hours"))
    throw InputError("a plan file names its devices and hours; give no --gpu and no --hours");
  const PlanFile file = read_plan_file(path);
  if (file.hardware.ends_with(".yaml"))
    throw InputError(fmt::format(
        "{}: is a plan for the machine measured in {}; a bill needs a card: use --hours and --gpu",
        path, file.hardware));
  Billed billed;
  billed.site = site_of(world, file.hardware, file.plan.parallel.world_size());
  billed.scenario.job = file.job;
  const PlanFile::Prediction& p = file.prediction;
  billed.hours = {p.hours * p.step_time_low / p.step_time, p.hours,
                  p.hours * p.step_time_high / p.step_time};
  billed.job = job_line(file.job);
  billed.plan = fmt::format("{} ({})", path, file.plan.engine);
  return billed;
}

Billed billed_hours(const Arguments& args, const scenarios::World& world) {
  const auto hours = quantity<Seconds>(args, "hours", parse_seconds, expected_seconds);
  if (!(hours->value > 0)) throw InputError("--hours is 0; expected more than 0");
  const GpuRequest request = parse_gpu_request(args.require("gpu"));
  Billed billed;
  billed.site = site_of(world, request.name, request.count);
  billed.hours = exactly(hours->value / 3600);
  billed.scenario.bill.download_gb = billed.scenario.bill.upload_gb = 0;
  return billed;
}

/// The fastest layout of the job on the devices. Throws InputError if none fits.
Billed billed_job(const Arguments& args, const scenarios::World& world) {
  const GpuRequest request = parse_gpu_request(args.require("gpu"));
  Billed billed;
  billed.site = site_of(world, request.name, request.count);
  billed.scenario.job = read_job(args, 16 * request.count);
  billed.scenario.engines = args.list("engine");
  const scenarios::SiteAnswer found = best_layout(billed.scenario, world, billed.site);
  if (!found.best)
    throw Error(ExitCode::infeasible,
                fmt::format("nothing fits on {} x {}{}; `aforo plan` says what would",
                            request.count, billed.site.card->name,
                            found.nearest ? fmt::format(": {:.1f} GiB are needed at least",
                                                        found.nearest->memory / gibi)
                                          : ""));
  billed.hours = found.best->estimate.hours;
  billed.job = job_line(billed.scenario.job);
  billed.plan = fmt::format("{}: {}", found.best->engine->name, describe(found.best->plan));
  return billed;
}

Offer given_offer(const Arguments& args, const scenarios::Site& site, const std::string& text) {
  const auto price = parse_hourly_price(text);
  if (!price)
    throw InputError(fmt::format("--price is \"{}\"; expected {}", text, expected_hourly_price));
  Offer offer{"given", "", site.card->name,
              args.find<std::string>("price-kind").value_or("on_demand")};
  offer.count = site.n_devices;
  offer.price = DollarsPerHour(price->value * site.n_devices);
  return offer;
}

/// --own, the price given, or the cheapest known offer of the kind for as many devices.
scenarios::Option option_for(const Arguments& args, const scenarios::World& world,
                             const scenarios::Site& site) {
  if (args.has("own")) return {site, true, {}};
  if (const auto text = args.find<std::string>("price"))
    return {{site.card, site.n_devices, 1}, false, given_offer(args, site, *text)};
  scenarios::Scenario any;
  any.hardware.rented = {{site.card->name, site.n_devices}};
  any.max_devices = site.n_devices;
  const auto kind = args.find<std::string>("price-kind");
  for (const scenarios::Option& option : options_of(any, world))
    if (kind ? option.offer.kind == *kind : !option.is_spot()) return option;
  throw InputError(fmt::format("no {}offer is known for {} x {}; give --price, or --own",
                               kind ? *kind + " " : "", site.n_devices, site.card->name));
}

std::string offer_text(const scenarios::Option& option, const money::Supply& supply,
                       const std::string& today) {
  const std::string devices = fmt::format("{} x {}", option.site.n_devices, option.site.card->name);
  if (option.owned)
    return fmt::format("{}, own: {:.2f} kW at ${:g} a kWh", devices, supply.kilowatts,
                       supply.usd_per_kwh);
  if (option.offer.provider == "given")
    return fmt::format("{} at ${:.3f} an hour, given ({})", devices, supply.usd_per_hour,
                       option.offer.kind);
  return fmt::format("{} at ${:.3f} an hour: {} {}, {}; {}", devices, supply.usd_per_hour,
                     option.offer.provider, option.offer.kind, option.offer.region,
                     dated(option.offer.as_of, today));
}

/// When a purchase of the same cards would pay, against renting at this price.
std::string rent_or_buy(const scenarios::World& world, const scenarios::Option& option,
                        const money::Supply& supply) {
  const money::PurchasePrice* purchase = world.assumptions.purchase_of(option.site.card->name);
  if (purchase == nullptr || option.owned) return "";
  const money::Assumptions& all = world.assumptions;
  const double usd = purchase->usd * option.site.n_devices;
  const double power = money::kilowatts(option.site.card->tdp, option.site.n_devices,
                                        option.site.n_machines, true, all) *
                       all.home.usd_per_kwh;
  const double hours =
      money::break_even_hours(usd, all.resale_share * usd, supply.usd_per_hour, power);
  const std::string bought =
      fmt::format("{} ({}, {})", format_dollars(Dollars(usd)), purchase->kind, purchase->as_of);
  if (hours > 1e7)
    return fmt::format("buying for {} never pays: power alone costs ${:.3f} an hour", bought,
                       power);
  return fmt::format(
      "buying for {} pays after {} hours of use (resale {:.0f} %, power ${:.3f} an "
      "hour, without host and rack)",
      bought, format_count(static_cast<std::int64_t>(hours)), 100 * all.resale_share, power);
}

BillSheet sheet_of(const Arguments& args, const scenarios::World& world, Billed billed) {
  scenarios::Scenario& scenario = billed.scenario;
  const scenarios::BillWishes defaults = scenario.bill;
  scenario.bill = read_bill_wishes(args);
  if (!scenario.bill.download_gb) scenario.bill.download_gb = defaults.download_gb;
  if (!scenario.bill.upload_gb) scenario.bill.upload_gb = defaults.upload_gb;
  const scenarios::Option option = option_for(args, world, billed.site);
  BillSheet sheet;
  if (billed.job.empty()) {
    sheet.needs.training_hours = billed.hours;
    sheet.needs.n_devices = option.site.n_devices;
    sheet.needs.n_machines = option.site.n_machines;
    apply_wishes(scenario.bill, sheet.needs);
  } else {
    sheet.needs = needs_of(scenario, option.site, billed.hours);
  }
  sheet.supply = supply_of(scenario, world, option);
  sheet.bill = money::bill_of(sheet.needs, sheet.supply, world.assumptions);
  sheet.job = billed.job;
  sheet.plan = billed.plan;
  sheet.offer = offer_text(option, sheet.supply, money::today());
  sheet.rent_or_buy = rent_or_buy(world, option, sheet.supply);
  sheet.energy = args.has("energy");
  sheet.budget_usd = read_budget(args);
  sheet.deadline_hours = read_deadline_hours(args);
  return sheet;
}

void set_risk(BillSheet& sheet, const scenarios::World& world) {
  if (!sheet.budget_usd && !sheet.deadline_hours) return;
  sheet.drawn =
      money::draw_bills(sheet.bill, sheet.needs, sheet.supply, world.assumptions,
                        {sheet.deadline_hours.value_or(0), sheet.budget_usd.value_or(0)}, 4000);
  if (sheet.deadline_hours)
    sheet.in_time = money::probability_in_time(sheet.bill, sheet.needs, sheet.supply,
                                               world.assumptions, *sheet.deadline_hours);
}

}  // namespace

int run_bill(const CommandLine& command_line) {
  const Help help{
      "bill",
      "PLAN.yaml | --model M --gpu G[:n] | --hours H --gpu G[:n]  [options]",
      "The whole bill: hours, set-up, download, disk, upload, checkpoints, interruptions, repeated "
      "work, power. With --why every line's formula.",
      {"aforo bill --model gpt2 --gpu a100-80:8 --tokens 10B --why",
       "aforo bill --model llama-3.1-8b --method qlora --gpu rtx-4090 --tokens 15M --price-kind "
       "interruptible --deadline 6h",
       "aforo bill --hours 24h --gpu h100:8 --price \"3.5 USD/h\"",
       "aforo bill --model gpt2 --gpu rtx-3090 --tokens 10B --own --energy",
       "aforo bill plan.yaml --budget-usd 50"},
      "Exit code 4 if the middle of the bill is over --budget-usd or --deadline. docs/money.md has "
      "the formulas\nand where the assumptions come from."};
  po::options_description options("options");
  options.add_options()("plan", po::value<std::string>(), "a plan that `aforo plan` wrote");
  add_job_options(options);
  options.add_options()("gpu", po::value<std::string>(), "an accelerator with a count: h100:8")(
      "hours", po::value<std::string>(), "training time, such as \"24 h\", instead of a model")(
      "engine", po::value<std::string>(), "only layouts of these engines, with commas")(
      "price", po::value<std::string>(),
      "per device and hour, such as \"0.35 USD/h\"; default: the cheapest known offer")(
      "price-kind", po::value<std::string>(),
      "on_demand, community, spot, interruptible; default: on_demand or community")(
      "own", "the devices are one's own: power instead of rent")(
      "budget-usd", po::value<double>(), "say how sure it is to stay within")(
      "deadline", po::value<std::string>(), "say how sure it is to be done, such as \"36 h\"")(
      "energy", "kWh and CO2 too")("why", "every line's formula with its numbers");
  add_bill_options(options);
  const Arguments args(help, options, {"plan"}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;

  const scenarios::World world;
  const auto plan = args.find<std::string>("plan");
  BillSheet sheet = sheet_of(args, world,
                             plan                ? billed_plan(args, world, *plan)
                             : args.has("hours") ? billed_hours(args, world)
                                                 : billed_job(args, world));
  set_risk(sheet, world);
  fmt::print("{}", args.json() ? bill_json(sheet) : bill_text(sheet, args.has("why")));
  const bool over = (sheet.budget_usd && sheet.bill.usd.mid > *sheet.budget_usd) ||
                    (sheet.deadline_hours && sheet.bill.wall_hours.mid > *sheet.deadline_hours);
  return static_cast<int>(over ? ExitCode::over_budget : ExitCode::ok);
}

}  // namespace aforo::cli
