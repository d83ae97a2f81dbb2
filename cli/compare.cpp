#include <fmt/format.h>

#include <algorithm>

#include "cli/arguments.h"
#include "cli/bill_options.h"
#include "cli/billed.h"
#include "cli/command.h"
#include "planner/base/dates.h"
#include "planner/base/error.h"
#include "planner/money/date.h"
#include "planner/report/estimate_json.h"
#include "planner/report/scenario_report.h"
#include "planner/report/table.h"
#include "planner/scenarios/scenario_file.h"

namespace aforo::cli {
namespace {

std::vector<scenarios::Scenario> wanted_scenarios(const Arguments& args, const std::string& path,
                                                  const scenarios::World& world) {
  std::vector<scenarios::Scenario> all =
      scenarios::read_scenarios(YamlNode::load_file(path), world.cards);
  const std::vector<std::string> only = args.list("only");
  for (const std::string& name : only)
    if (std::none_of(all.begin(), all.end(), [&](const auto& s) { return s.name == name; }))
      throw InputError(fmt::format("--only names \"{}\", but {} has no such scenario", name, path));
  if (!only.empty())
    std::erase_if(all, [&](const auto& s) {
      return std::find(only.begin(), only.end(), s.name) == only.end();
    });
  return all;
}

int compare_scenarios(const Arguments& args, const std::string& path) {
  const scenarios::World world;
  const std::vector<scenarios::Scenario> all = wanted_scenarios(args, path, world);
  std::vector<scenarios::Answer> answers;
  for (const scenarios::Scenario& scenario : all)
    answers.push_back(scenarios::answer_of(scenario, world));
  const std::string now = today();
  if (args.json()) {
    fmt::print("{}", scenarios_json(answers, world, now));
    return 0;
  }
  const std::size_t most = args.has("all") ? 100000 : 4;
  if (!args.has("summary"))
    for (const scenarios::Answer& answer : answers)
      fmt::print("{}\n", scenario_text(answer, world, now, most));
  if (answers.size() > 1) fmt::print("{}", scenario_summary(answers));
  return 0;
}

/// One plan with its bill.
struct BilledPlan {
  std::string path;
  Billed billed;
  scenarios::Option option;
  BillSheet sheet;
};

std::vector<BilledPlan> read_plans(const Arguments& args, const scenarios::World& world,
                                   const std::vector<std::string>& paths) {
  std::vector<BilledPlan> plans;
  for (const std::string& path : paths) {
    BilledPlan plan{path, billed_plan(world, path)};
    plan.option = option_for(args, world, plan.billed.site);
    plan.sheet = sheet_of(args, world, plan.billed, plan.option);
    plans.push_back(std::move(plan));
  }
  std::stable_sort(plans.begin(), plans.end(), [](const BilledPlan& a, const BilledPlan& b) {
    return a.sheet.bill.usd.mid < b.sheet.bill.usd.mid;
  });
  return plans;
}

int compare_plans(const Arguments& args, const std::vector<std::string>& paths) {
  const scenarios::World world;
  const std::vector<BilledPlan> plans = read_plans(args, world, paths);
  double fastest = plans.front().sheet.bill.wall_hours.mid;
  for (const BilledPlan& plan : plans) fastest = std::min(fastest, plan.sheet.bill.wall_hours.mid);
  Table table({{"plan", Align::left},
               {"job", Align::left},
               {"offer", Align::left},
               {"time (80 %)", Align::left},
               {"total (80 %)", Align::left},
               {"peak GiB"},
               {"", Align::left}});
  JsonWriter json;
  json.begin_object().field("schema_version", 1).key("plans").begin_array();
  for (const BilledPlan& plan : plans) {
    const money::Bill& bill = plan.sheet.bill;
    const bool first = &plan == &plans.front(), fast = bill.wall_hours.mid <= fastest;
    table.add({plan.path, plan.billed.job, plan.sheet.offer, hours_text(bill.wall_hours),
               dollars_text(bill.usd), fmt::format("{:.1f}", plan.billed.memory_bytes / gibi),
               first && fast ? "<- cheapest, fastest"
               : first       ? "<- cheapest"
               : fast        ? "fastest"
                             : ""});
    json.begin_object().field("path", plan.path).field("job", plan.billed.job);
    json.field("offer", plan.sheet.offer).field("memory_bytes", plan.billed.memory_bytes);
    write_interval_json(json, "wall_hours", bill.wall_hours);
    write_interval_json(json, "total_usd", bill.usd);
    json.end_object();
  }
  json.end_array().end_object();
  fmt::print("{}", args.json() ? json.text() + "\n" : table.text());
  return 0;
}

}  // namespace

int run_compare(const CommandLine& command_line) {
  const Help help{
      "compare",
      "SCENARIOS.yaml | PLAN.yaml PLAN.yaml...  [options]",
      "Scenarios of job, budget, deadline and hardware: every offer with its plan, time, bill and "
      "risk; which to take; what a little more money or time buys.",
      {"aforo compare examples/scenarios.yaml",
       "aforo compare examples/scenarios.yaml --only qlora-8b-20-dollars --all",
       "aforo compare scenarios.yaml --summary", "aforo compare a.yaml b.yaml --price-kind spot"},
      "Exit code 0 also where a scenario has no feasible plan: that is its answer. "
      "`aforo plan --gpus` asks one\nquestion from the command line, and exits with 3 or 4 then."};
  po::options_description options("options");
  options.add_options()("file", po::value<std::vector<std::string>>(),
                        "scenarios (docs/formats.md), or plans that `aforo plan` wrote")(
      "only", po::value<std::string>(), "only these scenarios, with commas")(
      "summary", "one line a scenario")("all", "every row, not only the best")(
      "price", po::value<std::string>(), "of plans: per device and hour")(
      "price-kind", po::value<std::string>(), "of plans: on_demand, community, spot ...")(
      "own", "of plans: the devices are one's own");
  add_bill_options(options);
  const Arguments args(help, options, {"file..."}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;
  const auto files = args.find<std::vector<std::string>>("file");
  if (!files) throw InputError("aforo compare: name a file of scenarios, or several plans");
  if (!scenarios::holds_scenarios(files->front())) return compare_plans(args, *files);
  if (files->size() > 1)
    throw InputError(fmt::format("{}: holds scenarios; one such file at a time", files->front()));
  return compare_scenarios(args, files->front());
}

}  // namespace aforo::cli
