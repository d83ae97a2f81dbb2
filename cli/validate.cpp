#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "planner/base/error.h"
#include "planner/report/validation_report.h"
#include "planner/report/whole_runs_report.h"

namespace aforo::cli {
namespace {

validate::LeaveOut read_leave_out(const std::string& text) {
  if (text == "none") return validate::LeaveOut::none;
  if (text == "family") return validate::LeaveOut::family;
  if (text == "source") return validate::LeaveOut::source;
  throw InputError(fmt::format("--leave-out is \"{}\"; expected none, family or source", text));
}

std::vector<std::string> list_or(const Arguments& args, const std::string& name,
                                 std::vector<std::string> otherwise) {
  std::vector<std::string> list = args.list(name);
  return list.empty() ? otherwise : list;
}

int validate_whole_runs(const Arguments& args, const std::string& path) {
  const std::vector<validate::WholeRun> runs = validate::read_whole_runs(CsvTable::load_file(path));
  const auto predictions =
      validate::predict_whole_runs(runs, validate::Catalogue::load(), fast::Constants::load());
  fmt::print("{}", args.json() ? whole_runs_json(predictions) : whole_runs_text(predictions));
  return 0;
}

}  // namespace

int run_validate(const CommandLine& command_line) {
  const Help help{
      "validate",
      "--runs FILE.csv | --published FILE.csv [--by COLUMNS] [--leave-out family]",
      "Predicts published runs from their inputs alone and scores the predictions by group.",
      {"aforo validate --runs open.csv",
       "aforo validate --runs open.csv --by source,gpu --leave-out family --json",
       "aforo validate --runs mine.csv --by engine --quality A,B",
       "aforo validate --published headline_costs.csv"},
      "Rules such as 6ND stand beside our predictions; those with a free constant get the one that "
      "suits the rows best.\ndocs/validation.md says how rows are read and what is assumed where a "
      "source is silent."};
  po::options_description options("options");
  options.add_options()("runs", po::value<std::string>()->value_name("FILE"),
                        "measured runs, one a row")(
      "published", po::value<std::string>()->value_name("FILE"),
      "totals of whole trainings instead (model, params, tokens, gpu, gpu_hours), one a row")(
      "by", po::value<std::string>()->value_name("LIST"),
      "columns that make a group: source, gpu, engine, model, family, quality, precision, task, "
      "sharding (default source)")("quality", po::value<std::string>()->value_name("LIST"),
                                   "qualities scored for time (default A)")(
      "memory-quality", po::value<std::string>()->value_name("LIST"),
      "qualities scored for memory (default A,B-mem)")(
      "leave-out", po::value<std::string>()->default_value("none")->value_name("WHAT"),
      "none, family or source: fit the constants anew without what a row belongs to")(
      "markdown", "print Markdown tables");
  const Arguments args(help, options, {"runs"}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;

  if (const auto published = args.find<std::string>("published")) {
    if (args.has("runs"))
      throw InputError("--runs and --published name different files; give one of them");
    return validate_whole_runs(args, *published);
  }
  validate::ValidationRequest request;
  request.by = list_or(args, "by", request.by);
  request.time_quality = list_or(args, "quality", request.time_quality);
  request.memory_quality = list_or(args, "memory-quality", request.memory_quality);
  request.leave_out = read_leave_out(args.get<std::string>("leave-out"));
  const std::vector<validate::Run> runs = validate::read_runs(args.require("runs"));
  const validate::Catalogue catalogue = validate::Catalogue::load();
  const std::deque<validate::Case> cases = validate::cases_of(runs, catalogue);
  const validate::Validation validation = validate::validate_runs(cases, request);
  fmt::print("{}", args.json()            ? validation_json(validation)
                   : args.has("markdown") ? validation_markdown(validation)
                                          : validation_text(validation));
  return 0;
}

}  // namespace aforo::cli
