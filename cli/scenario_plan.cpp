// `aforo plan --gpus owned:4x3090,rent:any`: one scenario from the command line.

#include <fmt/format.h>

#include "cli/bill_options.h"
#include "cli/layout.h"
#include "planner/base/dates.h"
#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/money/date.h"
#include "planner/report/scenario_report.h"
#include "planner/scenarios/scenario_file.h"
#include "planner/spec/plan_file.h"

namespace aforo::cli {
namespace {

scenarios::Scenario read_scenario(const Arguments& args, const scenarios::World& world) {
  scenarios::Scenario s;
  const Method method = choice(args, "method", Method::full);
  const TrainingJob probe = read_job(args, 1);  // for the sequence length it ends up with
  s.job = read_job(args, scenarios::default_batch(method, probe.seq_len));
  s.hardware = scenarios::parse_hardware(args.require("gpus"), world.cards);
  s.spot = choice(args, "spot", scenarios::SpotPolicy::allow);
  s.objective = choice(args, "objective", Objective::money);
  s.max_devices = positive(args, "max-devices", s.max_devices);
  s.budget_usd = read_budget(args);
  s.deadline_hours = read_deadline_hours(args);
  s.engines = args.list("engine");
  s.bill = read_bill_wishes(args);
  return s;
}

void refuse_mixtures(const Arguments& args) {
  for (const char* option :
       {"gpu", "hardware", "price", "price-kind", "precision", "micro-batch-size", "memory-limit"})
    if (args.has(option))
      throw InputError(fmt::format(
          "--gpus compares offers by itself and takes no --{}; `aforo plan --gpu` does", option));
}

/// The chosen row as a layout, for the plan file.
Layout layout_of(const scenarios::Row& row, const scenarios::World& world, const TrainingJob& job) {
  Layout layout{&job, row.layout->engine, &world.constants, row.layout->cluster};
  layout.plan = row.layout->plan;
  layout.estimate = row.layout->estimate;
  layout.device.name = row.option.site.card->name;
  layout.device.count = row.option.site.n_devices;
  layout.device.origin = Origin::calibrated;
  if (!row.option.owned)
    layout.device.price_per_device =
        DollarsPerHour(row.option.usd_per_hour() / row.option.site.n_devices);
  return layout;
}

}  // namespace

int plan_scenario_command(const Arguments& args) {
  refuse_mixtures(args);
  const scenarios::World world;
  const scenarios::Scenario scenario = read_scenario(args, world);
  std::vector<scenarios::Answer> answers;
  answers.push_back(scenarios::answer_of(scenario, world));
  const scenarios::Answer& answer = answers.front();
  const std::string now = today();
  fmt::print("{}", args.json() ? scenarios_json(answers, world, now)
                               : scenario_text(answer, world, now, args.has("all") ? 100000 : 4));
  if (answer.chosen < 0)
    return static_cast<int>(answer.outcome == scenarios::Outcome::over_limits
                                ? ExitCode::over_budget
                                : ExitCode::infeasible);
  if (const auto output = args.find<std::string>("output")) {
    const scenarios::Row& row = answer.rows[answer.chosen];
    const std::string why = fmt::format(
        "{} of {} offers: {}", scenario.objective == Objective::money ? "cheapest" : "fastest",
        answer.n_offers, scenarios::name_of(row.option));
    const Layout layout = layout_of(row, world, scenario.job);
    write_file(*output, write_plan_file(plan_file_of(layout, why)));
    if (!args.json()) fmt::print("\nWrote {}. Next: aforo bill {} --why\n", *output, *output);
  }
  return 0;
}

}  // namespace aforo::cli
