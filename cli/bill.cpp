#include <fmt/format.h>

#include <algorithm>

#include "cli/arguments.h"
#include "cli/bill_options.h"
#include "cli/billed.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "planner/base/error.h"
#include "planner/base/format.h"
#include "planner/money/ownership.h"

namespace aforo::cli {
namespace {

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

void set_risk(BillSheet& sheet, const scenarios::World& world) {
  if (!sheet.budget_usd && !sheet.deadline_hours) return;
  sheet.drawn =
      money::draw_bills(sheet.bill, sheet.needs, sheet.supply, world.assumptions,
                        {sheet.deadline_hours.value_or(0), sheet.budget_usd.value_or(0)}, 4000);
  if (sheet.deadline_hours)
    sheet.in_time = money::probability_in_time(sheet.bill, sheet.needs, sheet.supply,
                                               world.assumptions, *sheet.deadline_hours);
}

Billed read_billed(const Arguments& args, const scenarios::World& world) {
  const auto plan = args.find<std::string>("plan");
  if (!plan) return args.has("hours") ? billed_hours(args, world) : billed_job(args, world);
  if (args.has("gpu") || args.has("hours") || args.has("model"))
    throw InputError(
        "a plan file names its job, devices and hours; give no --model, --gpu or --hours");
  return billed_plan(world, *plan);
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
  const Billed billed = read_billed(args, world);
  const scenarios::Option option = option_for(args, world, billed.site);
  BillSheet sheet = sheet_of(args, world, billed, option);
  sheet.rent_or_buy = rent_or_buy(world, option, sheet.supply);
  sheet.energy = args.has("energy");
  sheet.budget_usd = read_budget(args);
  sheet.deadline_hours = read_deadline_hours(args);
  set_risk(sheet, world);
  fmt::print("{}", args.json() ? bill_json(sheet) : bill_text(sheet, args.has("why")));
  const bool over = (sheet.budget_usd && sheet.bill.usd.mid > *sheet.budget_usd) ||
                    (sheet.deadline_hours && sheet.bill.wall_hours.mid > *sheet.deadline_hours);
  return static_cast<int>(over ? ExitCode::over_budget : ExitCode::ok);
}

}  // namespace aforo::cli
