#include <fmt/format.h>

#include <algorithm>

#include "cli/arguments.h"
#include "cli/command.h"
#include "planner/base/error.h"
#include "planner/money/date.h"
#include "planner/report/scenario_report.h"
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
  const std::string today = money::today();
  if (args.json()) {
    fmt::print("{}", scenarios_json(answers, world, today));
    return 0;
  }
  const std::size_t most = args.has("all") ? 100000 : 4;
  if (!args.has("summary"))
    for (const scenarios::Answer& answer : answers)
      fmt::print("{}\n", scenario_text(answer, world, today, most));
  if (answers.size() > 1) fmt::print("{}", scenario_summary(answers));
  return 0;
}

}  // namespace

int run_compare(const CommandLine& command_line) {
  const Help help{
      "compare",
      "SCENARIOS.yaml [options]",
      "Scenarios of job, budget, deadline and hardware: every offer with its plan, time, bill and "
      "risk; which to take; what a little more money or time buys.",
      {"aforo compare examples/scenarios.yaml",
       "aforo compare examples/scenarios.yaml --only qlora-8b-20-dollars --all",
       "aforo compare scenarios.yaml --summary", "aforo compare scenarios.yaml --json"},
      "Exit code 0 also where a scenario has no feasible plan: that is its answer. "
      "`aforo plan --gpus` asks one\nquestion from the command line, and exits with 3 or 4 then."};
  po::options_description options("options");
  options.add_options()("file", po::value<std::string>(), "scenarios, see docs/formats.md")(
      "only", po::value<std::string>(), "only these scenarios, with commas")(
      "summary", "one line a scenario")("all", "every row, not only the best");
  const Arguments args(help, options, {"file"}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;
  return compare_scenarios(args, args.require("file"));
}

}  // namespace aforo::cli
