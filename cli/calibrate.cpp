#include "runtime/core/calibrate.h"

#include <fmt/format.h>

#include <filesystem>

#include "cli/arguments.h"
#include "cli/backends.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/terminal.h"
#include "cli/version.h"
#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/format.h"
#include "planner/base/json.h"
#include "planner/spec/hardware_file.h"

namespace aforo::cli {
namespace {

double best_rate(const Calibration& calibration, Dtype dtype) {
  double best = 0;
  for (const GemmPoint& point : calibration.gemm)
    if (point.dtype == dtype) best = std::max(best, point.rate.value);
  return best / 1e9;
}

void print_summary(const Calibration& c, const std::string& path) {
  fmt::print("{}  ({})\n", c.device, c.backend);
  fmt::print("products     fp32 {:.0f}, bf16 {:.0f}, fp16 {:.0f} GFLOP/s at best ({} shapes)\n",
             best_rate(c, Dtype::fp32), best_rate(c, Dtype::bf16), best_rate(c, Dtype::fp16),
             c.gemm.size());
  fmt::print("memory       copy {:.1f} GB/s, read and write counted; {} passes timed\n",
             c.copy_bandwidth.value / 1e9, c.passes.size());
  fmt::print("overhead     {} an op\n", format_time(c.op_overhead));
  for (const auto& [dtype, bytes] : c.process_overhead)
    fmt::print("             {:.1f} MiB beside the arena in {}\n", as_mib(bytes), name_of(dtype));
  fmt::print("Wrote {}\n", path);
}

std::string as_json(const Calibration& c, const std::string& path) {
  JsonWriter json;
  json.begin_object()
      .field("schema_version", schema_version)
      .field("path", path)
      .field("device", c.device);
  json.field("backend", c.backend).field("n_threads", c.n_threads).field("date", c.date);
  json.field("memory_bytes", c.memory.value).key("process_overhead_bytes").begin_object();
  for (const auto& [dtype, bytes] : c.process_overhead) json.field(name_of(dtype), bytes.value);
  json.end_object();
  json.field("copy_bandwidth_bytes_per_s", c.copy_bandwidth.value)
      .field("op_overhead_s", c.op_overhead.value);
  json.field("best_fp32_flops_per_s", best_rate(c, Dtype::fp32) * 1e9)
      .field("best_bf16_flops_per_s", best_rate(c, Dtype::bf16) * 1e9);
  json.field("n_gemm", static_cast<std::int64_t>(c.gemm.size()))
      .field("n_passes", static_cast<std::int64_t>(c.passes.size()));
  json.end_object();
  return json.text() + "\n";
}

}  // namespace

int run_calibrate(const CommandLine& command_line) {
  const Help help{"calibrate",
                  "[-o FILE] [options]",
                  "Measures this machine with the runtime's own kernels: matrix products by shape, "
                  "every other pass by size.",
                  {"aforo calibrate", "aforo calibrate -o machine.yaml --threads 8"},
                  "Takes under a minute. Without -o the result is what `aforo plan` uses for this "
                  "machine from then on."};
  po::options_description options("options");
  options.add_options()("output,o", po::value<std::string>(),
                        "file to write; default: ~/.config/aforo/this-machine.yaml")(
      "threads", po::value<int>()->default_value(0),
      "threads of the CPU backend; default: all cores")(
      "seconds", po::value<double>()->default_value(45), "time to spend, about");
  const Arguments args(help, options, {}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;

  const std::string path = args.find<std::string>("output").value_or(calibration_path());
  std::error_code ignored;
  if (const auto folder = std::filesystem::path(path).parent_path(); !folder.empty())
    std::filesystem::create_directories(folder, ignored);
  const auto backend = backend_for("cpu", args.get<int>("threads"));
  ProgressBar bar("calibrate");
  CalibrateOptions calibration_options;
  calibration_options.seconds = args.get<double>("seconds");
  if (!(calibration_options.seconds > 0 && calibration_options.seconds <= 3600))
    throw InputError(fmt::format("--seconds is {}; expected more than 0, at most 3600",
                                 calibration_options.seconds));
  calibration_options.on_progress = [&](double done, const std::string& what) {
    bar.show(done, what);
  };
  calibration_options.on_warning = [&](const std::string& what) {
    bar.clear();
    fmt::print(stderr, "aforo: warning: {}\n", what);
  };
  const Calibration calibration = calibrate(*backend, calibration_options);
  bar.clear();
  write_file(path, write_calibration(calibration));
  if (args.json())
    fmt::print("{}", as_json(calibration, path));
  else
    print_summary(calibration, path);
  return 0;
}

}  // namespace aforo::cli
