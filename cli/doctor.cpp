#include <fmt/format.h>

#include <filesystem>

#include "cli/arguments.h"
#include "cli/backends.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/terminal.h"
#include "cli/version.h"
#include "planner/base/dates.h"
#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/json.h"
#include "planner/money/catalogue.h"
#include "planner/money/date.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/model_file.h"
#include "runtime/core/environment.h"

namespace aforo::cli {
namespace {

enum class State { ok, missing, broken };

/// One line of the report; `remedy` says how to get what is missing. A missing optional part is no
/// failure.
struct Finding {
  std::string what;
  State state;
  std::string detail;
  std::string remedy;
};

template <typename Check>
Finding check(const std::string& what, State on_failure, const std::string& remedy, Check run) {
  try {
    return {what, State::ok, run(), ""};
  } catch (const std::exception& error) {
    return {what, on_failure, error.what(), remedy};
  }
}

std::vector<Finding> examine() {
  std::vector<Finding> findings;
  findings.push_back(check("machine", State::broken, "", [] {
    const Environment e = read_environment("");
    return fmt::format("{}, {} cores, {:.1f} GiB ({:.1f} GiB free), {}", e.cpu, e.n_cores,
                       as_gib(e.memory), as_gib(e.memory_free), e.kernel);
  }));
  findings.push_back(check("models and profiles", State::broken,
                           "set AFORO_DATA to the folder with models/ and profiles/", [] {
                             return fmt::format("{}: {} models, {} accelerators", data_root(),
                                                model_names().size(), all_accelerators().size());
                           }));
  findings.push_back(check("prices", State::missing, "add a list to profiles/prices", [] {
    const money::Catalogue catalogue = money::load_catalogue();
    if (catalogue.prices.offers.empty()) throw InputError("no price list");
    return fmt::format("{} offers {}", catalogue.prices.offers.size(),
                       money::age_of(catalogue, today()));
  }));
  findings.push_back(check("cpu backend", State::broken, "", [] {
    const std::string description = backend_for("cpu", 0)->description();
    return description.find("oneDNN") != std::string::npos
               ? description
               : description + "; faster with oneDNN: install libdnnl-dev and build again";
  }));
  findings.push_back(
      check("calibration", State::missing, "run `aforo calibrate` (under a minute)", [] {
        const Calibration c = read_calibration(YamlNode::load_file(calibration_path()));
        return fmt::format("{} of {}, {}", calibration_path(), c.date, c.device);
      }));
  findings.push_back(
      check("cuda backend", State::missing,
            "only to run on a GPU: install the NVIDIA driver and CUDA 13, then cmake --preset cuda",
            [] { return backend_for("cuda", 0)->description(); }));
  return findings;
}

const char* word_of(State state) {
  return state == State::ok ? "ok" : state == State::missing ? "missing" : "BROKEN";
}

Colour colour_of(State state) {
  return state == State::ok        ? Colour::green
         : state == State::missing ? Colour::yellow
                                   : Colour::red;
}

}  // namespace

int run_doctor(const CommandLine& command_line) {
  const Help help{"doctor",
                  "",
                  "What is here, what is missing, and how to get it.",
                  {"aforo doctor", "aforo doctor --json"},
                  "Exits with 6 if something that every command needs is broken; a missing "
                  "optional part is no failure."};
  const Arguments args(help, po::options_description("options"), {}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;

  bool broken = false;
  JsonWriter json;
  json.begin_object()
      .field("schema_version", schema_version)
      .field("aforo_version", aforo_version)
      .key("findings")
      .begin_array();
  if (!args.json()) fmt::print("aforo {}\n", aforo_version);
  for (const Finding& f : examine()) {
    broken = broken || f.state == State::broken;
    json.begin_object()
        .field("what", f.what)
        .field("state", word_of(f.state))
        .field("detail", f.detail)
        .field("remedy", f.remedy)
        .end_object();
    if (args.json()) continue;
    fmt::print("{:<20} {:<8} {}\n", f.what, paint(colour_of(f.state), word_of(f.state)), f.detail);
    if (f.state != State::ok && !f.remedy.empty())
      fmt::print("{:<20} {:<8} -> {}\n", "", "", f.remedy);
  }
  json.end_array().end_object();
  if (args.json()) fmt::print("{}\n", json.text());
  return static_cast<int>(broken ? ExitCode::environment : ExitCode::ok);
}

}  // namespace aforo::cli
