#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/comparison.h"
#include "cli/inputs.h"
#include "cli/version.h"
#include "planner/base/error.h"
#include "planner/lower/lower.h"
#include "planner/spec/plan_file.h"

namespace aforo::cli {
namespace {

/// "10%", "10 %" or "0.1".
double parse_tolerance(const std::string& text) {
  std::size_t used = 0;
  double value = -1;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
  }
  const std::string rest = text.substr(std::min(text.size(), text.find_first_not_of(' ', used)));
  if (rest == "%") value /= 100;
  if (!(value >= 0) || (!rest.empty() && rest != "%"))
    throw InputError(
        fmt::format("--tolerance is \"{}\"; expected a share such as 10% or 0.1", text));
  return value;
}

}  // namespace

int run_verify(const CommandLine& command_line) {
  const Help help{
      "verify",
      "RUN.jsonl [--tolerance 25%]",
      "Predicted against measured: step time, memory, phases, kinds of op, the costliest ops.",
      {"aforo verify run.jsonl", "aforo verify run.jsonl --tolerance 10%",
       "aforo verify run.jsonl --json"},
      "Exits with 5 if step time, arena or process memory are further off than the tolerance."};
  po::options_description options("options");
  options.add_options()("log", po::value<std::string>(), "a log that `aforo run` wrote")(
      "tolerance", po::value<std::string>()->default_value("25%"),
      "share by which a prediction may be off")("ops", po::value<int>()->default_value(10),
                                                "how many of the costliest ops to show");
  const Arguments args(help, options, {"log"}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;

  const std::string path = args.require("log");
  const double tolerance = parse_tolerance(args.get<std::string>("tolerance"));
  const RunRecord record = read_run_log(path);
  const PlanFile file = read_plan_text(record.header.plan, path + " (plan)");
  const MemoryPlan memory = lower(file.job, file.plan, target_of(file.target)).memory;
  const Comparison comparison = comparison_of(record);
  const std::vector<std::string> outside = outside_tolerance(comparison, tolerance);
  if (args.json()) {
    JsonWriter json;
    json.begin_object()
        .field("schema_version", schema_version)
        .field("fingerprint", record.header.fingerprint);
    json.field("tolerance", tolerance).field("within", outside.empty());
    write_comparison_json(json, comparison, memory);
    json.end_object();
    fmt::print("{}\n", json.text());
  } else {
    if (record.truncated) fmt::print("{}: the last line was cut off and is left out\n", path);
    fmt::print("{}", comparison_text(comparison, memory, args.get<int>("ops")));
    for (const std::string& line : outside) fmt::print("OUTSIDE: {}\n", line);
    if (outside.empty())
      fmt::print("\nwithin {:.0f} %: step time, arena and process memory\n", 100 * tolerance);
  }
  return static_cast<int>(outside.empty() ? ExitCode::ok : ExitCode::outside_tolerance);
}

}  // namespace aforo::cli
