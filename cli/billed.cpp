#include "cli/billed.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/bill_options.h"
#include "cli/inputs.h"
#include "planner/base/dates.h"
#include "planner/base/error.h"
#include "planner/base/quantity.h"
#include "planner/money/date.h"
#include "planner/report/scenario_report.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/plan_file.h"

namespace aforo::cli {
namespace {

scenarios::Site site_of(const scenarios::World& world, const std::string& name, int count) {
  const AcceleratorSpec* card = world.card(find_accelerator(name).name);
  if (card == nullptr) throw InputError(fmt::format("there is no profile of {}", name));
  const int per_machine = std::max(1, card->per_node);
  return {card, count, (count + per_machine - 1) / per_machine};
}

Offer given_offer(const Arguments& args, const scenarios::Site& site, const std::string& text) {
  const auto price = parse_hourly_price(text);
  if (!price)
    throw InputError(fmt::format("--price is \"{}\"; expected {}", text, expected_hourly_price));
  Offer offer{"given", "", site.card->name,
              args.find<std::string>("price-kind").value_or("on_demand")};
  offer.price = DollarsPerHour(price->value * site.n_devices / site.n_machines);  // of a machine
  return offer;
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
                     money::dated(option.offer.as_of, today));
}

}  // namespace

Billed billed_plan(const scenarios::World& world, const std::string& path) {
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
  billed.memory_bytes = static_cast<double>(p.memory_bytes);
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
  return billed;
}

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
  billed.memory_bytes = found.best->estimate.memory_bytes.mid;
  billed.job = job_line(billed.scenario.job);
  billed.plan = fmt::format("{}: {}", found.best->engine->name, describe(found.best->plan));
  return billed;
}

scenarios::Option option_for(const Arguments& args, const scenarios::World& world,
                             const scenarios::Site& site) {
  if (args.has("own")) return {site, true, {}};
  if (const auto text = args.find<std::string>("price"))
    return {site, false, given_offer(args, site, *text)};
  scenarios::Scenario any;
  any.hardware.rented = {{site.card->name, site.n_devices}};
  any.max_devices = site.n_devices;
  const auto kind = args.find<std::string>("price-kind");
  for (const scenarios::Option& option : options_of(any, world))
    if (kind ? option.offer.kind == *kind : !option.is_spot()) return option;
  throw InputError(fmt::format("no {}offer is known for {} x {}; give --price, or --own",
                               kind ? *kind + " " : "", site.n_devices, site.card->name));
}

BillSheet sheet_of(const Arguments& args, const scenarios::World& world, const Billed& billed,
                   const scenarios::Option& option) {
  scenarios::Scenario scenario = billed.scenario;
  scenario.bill = read_bill_wishes(args);
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
  sheet.offer = offer_text(option, sheet.supply, today());
  return sheet;
}

}  // namespace aforo::cli
