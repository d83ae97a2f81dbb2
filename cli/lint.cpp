#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/import.h"
#include "cli/inputs.h"
#include "cli/terminal.h"
#include "cli/version.h"
#include "planner/base/error.h"
#include "planner/base/json.h"
#include "planner/spec/hardware_file.h"

namespace aforo::cli {
namespace {

/// What lint takes of estimate's options, as a command line for it.
CommandLine estimate_options(const Arguments& args) {
  CommandLine line;
  for (const char* option : {"model", "gpu", "recompute", "tokens", "precision"})
    if (const auto value = args.find<std::string>(option))
      line.insert(line.end(), {fmt::format("--{}", option), *value});
  for (const char* option : {"seq-len", "global-batch-size", "micro-batch-size", "steps"})
    if (const auto value = args.find<int>(option))
      line.insert(line.end(), {fmt::format("--{}", option), std::to_string(*value)});
  return line;
}

std::vector<Finding> findings_of(const PeerFile& file, const Arguments& args) {
  const bool devices = args.has("gpu");
  const std::string gpu = args.find<std::string>("gpu").value_or("");
  const int n = gpu.find(':') == std::string::npos ? 0 : parse_gpu_request(gpu).count;
  std::vector<Finding> findings = lint(file, n);
  if (!devices) return findings;
  for (Finding& finding : feasibility(file, args, estimate_options(args)))
    findings.push_back(std::move(finding));
  return findings;
}

void print_findings(const std::vector<Finding>& findings) {
  for (const Finding& f : findings) {
    const bool error = f.severity == Severity::error;
    fmt::print("{}: {}: {} [{}]\n", f.place,
               paint(error ? Colour::red : Colour::yellow, std::string(enum_name(f.severity))),
               f.message, f.rule);
  }
}

void write_findings(JsonWriter& json, const PeerFile& file, const std::vector<Finding>& findings) {
  const PeerKeys keys = load_peer_keys(file.kind);
  json.begin_object().field("file", file.path).field("kind", enum_name(file.kind));
  json.field("keys_of_version", keys.version).key("findings").begin_array();
  for (const Finding& f : findings)
    json.begin_object()
        .field("place", f.place)
        .field("severity", enum_name(f.severity))
        .field("rule", f.rule)
        .field("message", f.message)
        .end_object();
  json.end_array().end_object();
}

}  // namespace

int run_lint(const CommandLine& command_line) {
  const Help help{"lint",
                  "FILE... [--as KIND] [--model M --gpu G[:n]]",
                  "What is wrong with a configuration of DeepSpeed, accelerate, axolotl or Slurm: "
                  "what it refuses, what it ignores silently, what contradicts itself, what will "
                  "not fit.",
                  {"aforo lint ds_config.json accelerate.yaml run.sbatch",
                   "aforo lint ds_config.json --model llama-3.1-8b --gpu h100:8 --seq-len 4096",
                   "aforo lint run.sbatch --model llama-3.1-8b --gpu h100 --tokens 1B"},
                  "Exit codes: 0 nothing found, 3 something found, 2 a file that cannot be read. "
                  "Known keys, with version and\nsource, are in profiles/peers."};
  po::options_description options("options");
  options.add_options()("file", po::value<std::vector<std::string>>(), "configuration files")(
      "as", po::value<std::string>(),
      "accelerate, axolotl, deepspeed or sbatch; default: by the file's content")(
      "model", po::value<std::string>(), "with --gpu: look whether it fits, too")(
      "gpu", po::value<std::string>(), "the card, with a count unless the file says it")(
      "seq-len", po::value<int>(), "tokens of a sequence, where the file does not say")(
      "micro-batch-size", po::value<int>(), "where the file does not say")(
      "global-batch-size", po::value<int>(), "where the file does not say")(
      "precision", po::value<std::string>(), "where the file does not say")(
      "recompute", po::value<std::string>(), "where the file does not say")(
      "tokens", po::value<std::string>(), "of the job, for the time limit of a batch file")(
      "steps", po::value<int>(), "of the job, instead of --tokens");
  const Arguments args(help, options, {"file..."}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;
  if (args.has("gpu") != args.has("model"))
    throw InputError("--model and --gpu go together: both say what has to fit where");

  const auto paths = args.find<std::vector<std::string>>("file");
  if (!paths) throw InputError("aforo lint: no file is given; usage: aforo lint " + help.synopsis);
  JsonWriter json;
  json.begin_object().field("schema_version", schema_version).key("files").begin_array();
  std::size_t n = 0;
  for (const std::string& path : *paths) {
    const PeerFile file = read_peer_file(path, peer_kind(args));
    const std::vector<Finding> findings = findings_of(file, args);
    n += findings.size();
    write_findings(json, file, findings);
    if (args.json()) continue;
    print_findings(findings);
    fmt::print("{}: {}, {}\n", path, enum_name(file.kind),
               findings.empty() ? "nothing found" : fmt::format("{} found", findings.size()));
  }
  json.end_array().field("n_findings", static_cast<std::int64_t>(n)).end_object();
  if (args.json()) fmt::print("{}\n", json.text());
  return static_cast<int>(n == 0 ? ExitCode::ok : ExitCode::infeasible);
}

}  // namespace aforo::cli
