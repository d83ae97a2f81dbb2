#include "cli/import.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/inputs.h"
#include "cli/layout.h"
#include "planner/base/error.h"
#include "planner/base/format.h"
#include "planner/peers/batch_file.h"
#include "planner/report/table.h"

namespace aforo::cli {
namespace {

/// Devices that --gpu names; 0 without a count.
int named_devices(const Arguments& args) {
  const std::string gpu = args.find<std::string>("gpu").value_or("");
  return gpu.find(':') == std::string::npos ? 0 : parse_gpu_request(gpu).count;
}

/// "--name value" or "--name=value" of a command line replaced.
void replace_option(CommandLine& line, const std::string& name, const std::string& value) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == "--" + name && i + 1 < line.size()) line[i + 1] = value;
    if (line[i].starts_with("--" + name + "=")) line[i] = "--" + name + "=" + value;
  }
}

const Help estimate_help{"estimate", "", "", {}, ""};

std::string gib_of(double bytes) { return fmt::format("{:.1f}", bytes / gibi); }

/// Where the file says how much memory the run takes.
std::string memory_place(const ImportedPlan& plan, const PeerFile& file) {
  for (const char* option : {"micro-batch-size", "sharding", "engine"})
    if (const ImportedSetting* setting = plan.find(option); setting && !setting->place.empty())
      return setting->place;
  return file.path + ":1:1";
}

/// The layout of the options, with what it points into.
struct LayoutOfFile {
  explicit LayoutOfFile(const CommandLine& line)
      : args(estimate_help, options(), {"model"}, line),
        device(read_device(args)),
        job(read_job(args, positive(args, "micro-batch-size", 1) * device.line.count)),
        card(find_accelerator(device.reference)),
        layout(layout_of(args, world, card, job, device)) {}
  static po::options_description options() {
    po::options_description options;
    add_estimate_options(options);
    return options;
  }
  Arguments args;
  Device device;
  TrainingJob job;
  LayoutWorld world;
  AcceleratorSpec card;
  Layout layout;
};

std::optional<Finding> memory_finding(const LayoutOfFile& found, const Imported& imported,
                                      const CommandLine& line) {
  const LayoutEstimate& e = found.layout.estimate;
  if (e.verdict != Verdict::too_big) return std::nullopt;
  std::string way_out = "shard more, or choose a larger card";
  if (found.layout.plan.setup.recompute.full_layers == 0) {
    CommandLine full = line;
    if (found.args.has("recompute"))
      replace_option(full, "recompute", "full");
    else
      full.insert(full.end(), {"--recompute", "full"});
    const LayoutOfFile less(full);
    const bool fits = less.layout.estimate.verdict != Verdict::too_big;
    way_out = fmt::format("full recomputation needs {} GiB{}",
                          gib_of(less.layout.estimate.memory_bytes.mid),
                          fits ? ", which fits" : "; " + way_out);
  }
  return Finding{memory_place(imported.plan, imported.file), Severity::error, "memory",
                 fmt::format("needs {} ({} to {}) of {} GiB on {}: does not fit; largest: {}; {}",
                             gib_of(e.memory_bytes.mid), gib_of(e.memory_bytes.low),
                             gib_of(e.memory_bytes.high), gib_of(e.capacity),
                             found.device.line.name, e.memory_limited_by, way_out)};
}

/// Only where the length of the job is known.
std::optional<Finding> time_finding(const LayoutOfFile& found, const PeerFile& file) {
  const Directive* time = file.batch.find("time");
  const auto limit = time == nullptr ? std::nullopt : slurm_minutes(time->value);
  if (!limit || (!found.args.has("tokens") && !found.args.has("steps"))) return std::nullopt;
  const Interval& hours = found.layout.estimate.hours;
  if (hours.mid * 60 <= *limit) return std::nullopt;
  const auto shown_time = [](double h) { return format_time(Seconds(3600 * h)); };
  return Finding{time->place, Severity::error, "time",
                 fmt::format("the limit is {}, but the job takes {} ({} to {}); raise --time, or "
                             "requeue with checkpoints",
                             shown_time(*limit / 60), shown_time(hours.mid), shown_time(hours.low),
                             shown_time(hours.high))};
}

}  // namespace

void add_estimate_options(po::options_description& options) {
  add_job_options(options);
  add_plan_options(options);
  add_device_options(options);
  add_layout_options(options);
}

std::optional<PeerKind> peer_kind(const Arguments& args) {
  if (!args.has("as")) return std::nullopt;
  return choice(args, "as", PeerKind::deepspeed);
}

Imported read_import(const std::string& path, std::optional<PeerKind> kind, const Arguments& args) {
  Imported imported{read_peer_file(path, kind), {}, {}};
  imported.plan = import_plan(imported.file, named_devices(args));
  return imported;
}

CommandLine with_import(const CommandLine& line, const Arguments& args, Imported& imported) {
  CommandLine out = line;
  const std::string gpu = args.find<std::string>("gpu").value_or("");
  const int n = imported.plan.n_devices;
  if (n > 0 && !gpu.empty() && gpu.find(':') == std::string::npos)
    replace_option(out, "gpu", fmt::format("{}:{}", gpu, n));
  for (const ImportedSetting& setting : imported.plan.settings) {
    const bool length = setting.option == "steps" && args.has("tokens");
    if (args.has(setting.option) || length)
      imported.overruled.push_back(setting.option);
    else
      out.insert(out.end(), {"--" + setting.option, setting.value});
  }
  return out;
}

std::string imported_text(const Imported& imported) {
  Table table({{"from " + imported.file.path, Align::left}, {"", Align::left}, {"", Align::left}});
  for (const ImportedSetting& s : imported.plan.settings) {
    const bool overruled = std::find(imported.overruled.begin(), imported.overruled.end(),
                                     s.option) != imported.overruled.end();
    table.add({s.option, s.value,
               overruled         ? "not used: the command line says otherwise"
               : s.place.empty() ? "assumed: " + s.why
                                 : fmt::format("taken from {} ({})", s.place, s.why)});
  }
  std::string out = table.text();
  for (const std::string& note : imported.plan.notes) out += "note: " + note + "\n";
  return out + "\n";
}

void write_imported(JsonWriter& json, const Imported& imported) {
  json.key("imported").begin_array();
  for (const ImportedSetting& s : imported.plan.settings)
    json.begin_object()
        .field("option", s.option)
        .field("value", s.value)
        .field("place", s.place)
        .field("why", s.why)
        .field("assumed", s.place.empty())
        .field("used", std::find(imported.overruled.begin(), imported.overruled.end(), s.option) ==
                           imported.overruled.end())
        .end_object();
  json.end_array().key("import_notes").begin_array();
  for (const std::string& note : imported.plan.notes) json.value(note);
  json.end_array();
}

std::vector<Finding> feasibility(const PeerFile& file, const Arguments& args,
                                 const CommandLine& options) {
  std::vector<Finding> findings;
  Imported imported{file, import_plan(file, named_devices(args)), {}};
  const CommandLine line = with_import(options, args, imported);
  try {
    const LayoutOfFile found(line);
    if (auto finding = memory_finding(found, imported, line)) findings.push_back(*finding);
    if (auto finding = time_finding(found, file)) findings.push_back(*finding);
  } catch (const InputError& error) {
    findings.push_back({memory_place(imported.plan, file), Severity::error, "contradiction",
                        fmt::format("cannot be estimated: {}", error.what())});
  }
  return findings;
}

}  // namespace aforo::cli
