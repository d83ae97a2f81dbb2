#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/arguments.h"
#include "cli/command.h"
#include "planner/base/error.h"
#include "planner/base/numbers.h"
#include "planner/report/plan_diff.h"
#include "planner/spec/plan_file.h"

namespace aforo::cli {
namespace {

/// "10%" or "0.1" as a share.
double read_limit(const std::string& text) {
  const bool percent = text.ends_with('%');
  const auto value = parse_number(percent ? text.substr(0, text.size() - 1) : text);
  if (!value || *value < 0)
    throw InputError(
        fmt::format("--fail-over is \"{}\"; expected a share such as 10% or 0.1", text));
  return percent ? *value / 100 : *value;
}

std::vector<std::string> judged(const Arguments& args) {
  std::vector<std::string> names = args.list("of");
  if (names.empty()) names = {"cost"};
  for (const std::string& name : names)
    if (name != "cost" && name != "time" && name != "memory")
      throw InputError(fmt::format("--of has \"{}\"; expected cost, time, memory", name));
  return names;
}

std::string verdict_text(const std::vector<const ChangedQuantity*>& over,
                         const std::vector<std::string>& names, double limit) {
  if (over.empty())
    return fmt::format("ok: {} within +{:g} %", fmt::join(names, ", "), 100 * limit);
  std::vector<std::string> parts;
  for (const ChangedQuantity* q : over)
    parts.push_back(fmt::format("{} {}", q->name, change_text(*q)));
  return fmt::format("over +{:g} %: {}", 100 * limit, fmt::join(parts, ", "));
}

}  // namespace

int run_diff(const CommandLine& command_line) {
  const Help help{
      "diff",
      "BEFORE.yaml AFTER.yaml [--fail-over 10%] [--format md]",
      "What changed between two plans, and what that does to cost, time and memory.",
      {"aforo diff main.yaml branch.yaml",
       "aforo diff main.yaml branch.yaml --fail-over 10% --of cost,memory --format md"},
      "Plans are written by `aforo plan -o` and `aforo estimate -o`, the latter also "
      "from files of other tools (--from).\nExit codes: 0 within the limit or no limit, "
      "4 over it."};
  po::options_description options("options");
  options.add_options()("before", po::value<std::string>(), "a plan file")(
      "after", po::value<std::string>(), "another")("fail-over", po::value<std::string>(),
                                                    "exit code 4 if it rises by more: 10% or 0.1")(
      "of", po::value<std::string>(),
      "what --fail-over looks at, with commas: cost (default; device-hours without prices), time, "
      "memory")("format", po::value<std::string>(), "text (default) or md, for a pull request");
  const Arguments args(help, options, {"before", "after"}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;

  const std::string format = args.find<std::string>("format").value_or("text");
  if (format != "text" && format != "md")
    throw InputError(fmt::format("--format is \"{}\"; expected text or md", format));
  const std::vector<std::string> names = judged(args);
  const auto limit = args.find<std::string>("fail-over");
  const double share = limit ? read_limit(*limit) : 0;
  const PlanDiff diff =
      diff_plans(read_plan_file(args.require("before")), read_plan_file(args.require("after")));
  const auto over = limit ? over_limit(diff, names, share) : std::vector<const ChangedQuantity*>{};
  const std::string verdict = limit ? verdict_text(over, names, share) : "";
  if (args.json())
    fmt::print("{}", diff_json(diff, over));
  else
    fmt::print("{}", format == "md" ? diff_markdown(diff, verdict) : diff_text(diff, verdict));
  return static_cast<int>(over.empty() ? ExitCode::ok : ExitCode::over_budget);
}

}  // namespace aforo::cli
