#include "planner/validate/whole_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "planner/base/error.h"
#include "planner/base/numbers.h"
#include "planner/base/text.h"
#include "planner/search/lattice.h"

namespace aforo::validate {
namespace {

double number_or_zero(const CsvTable& table, std::size_t row, const char* column) {
  const std::string& text = table.field(row, column);
  if (text.empty()) return 0;
  const auto value = parse_number(text);
  if (value && *value > 0) return *value;
  throw InputError(fmt::format("{}:{}: {} is {}; expected a number above 0", table.name(),
                               table.line(row), column, shown(text)));
}

/// "Google TPU v4" -> "TPU v4": our profiles do not name vendors.
std::string without_vendor(std::string name) {
  for (const std::string_view vendor : {"Google ", "NVIDIA ", "Tesla "})
    if (name.starts_with(vendor)) name.erase(0, vendor.size());
  return name;
}

/// The columns of a single run that a whole one has.
Run run_of(const WholeRun& whole, const char* framework) {
  Run run;
  run.id = run.model_name = whole.model;
  run.date = whole.date;
  run.gpu = run.gpu_class = without_vendor(whole.gpu);
  run.gpu_count = whole.gpu_count;
  run.framework = framework;
  run.n_params = static_cast<std::int64_t>(whole.n_params);
  run.seq_len = 1;  // that of the model, once it is known
  run.sharding = "ddp";
  return run;
}

std::vector<const char*> frameworks_of(const WholeRun& whole, const AcceleratorSpec& card) {
  if (card.kind == "tpu") return {"MaxText"};
  if (!whole.date.empty() && whole.date < "2023") return {"Megatron-LM"};
  return {"PyTorch", "Megatron-Core"};
}

int devices_for_a_month(const WholeRun& whole, const AcceleratorSpec& card) {
  const double peak = fast::peak_or(card, "bf16", fast::peak_or(card, "fp16", 1e14));
  const double seconds = 30.0 * 86400;
  const double n = 6 * whole.n_params * whole.n_tokens / (0.4 * peak * seconds);
  return 1 << std::clamp(static_cast<int>(std::lround(std::log2(std::max(1.0, n)))), 3, 14);
}

class WholeRunPredictor {
 public:
  WholeRunPredictor(const WholeRun& whole, const Catalogue& catalogue,
                    const fast::Constants& constants)
      : whole_(whole), catalogue_(catalogue), constants_(constants) {
    out_.run = &whole;
  }

  WholeRunPrediction run() {
    if (whole_.n_tokens == 0 || whole_.gpu_hours == 0)
      return fail("tokens or device-hours are not stated");
    const Run probe = run_of(whole_, "PyTorch");
    const std::vector<Run> probes{probe};
    const Case first = std::move(cases_of(probes, catalogue_).front());
    if (!first.problem.empty()) return fail(first.problem);
    const AcceleratorSpec& card = *first.cluster.accelerator;
    out_.n_devices = whole_.gpu_count;
    if (out_.n_devices == 0) {
      out_.n_devices = devices_for_a_month(whole_, card);
      assume("gpu_count", out_.n_devices);
    }
    for (const char* framework : frameworks_of(whole_, card)) search(framework);
    if (out_.hours == 0) return fail(fmt::format("no layout fits on {} devices", out_.n_devices));
    return std::move(out_);
  }

 private:
  WholeRunPrediction fail(std::string problem) {
    out_.problem = std::move(problem);
    return std::move(out_);
  }
  void assume(const char* what, int value) {
    out_.assumptions.push_back(fmt::format("{}: {}", what, value));
  }

  /// The fastest layout of one engine, if it is faster than what is there.
  void search(const char* framework) {
    Run run = run_of(whole_, framework);
    run.gpu_count = out_.n_devices;
    const std::vector<Run> runs{run};
    const std::deque<Case> cases = cases_of(runs, catalogue_);
    const Case& c = cases.front();
    LatticeRequest request;
    request.base = c.setup;
    request.base.model = &c.model;
    request.base.parallel = {};
    request.base.recompute = {};
    request.base.seq_len = std::min(c.model.max_seq_len, 8192);
    request.base.global_batch_size = batch(request.base.seq_len);
    request.cluster = c.cluster;
    request.engine = c.engine;
    request.constants = &constants_;
    request.space.n_devices = {out_.n_devices};
    request.space.types = {c.setup.matrix};
    request.space.uneven_stages = request.space.zero_bubble = false;
    request.space.micro_batch_sizes = {1, 2, 4, 8, 16, 32};
    request.memory_limit = 0.95 * static_cast<double>(c.cluster.accelerator->usable_memory.value);
    request.n_tokens = whole_.n_tokens;
    request.keep = 1;
    const LatticeResult result = search_lattice(request);
    if (result.best.empty()) return;
    const LatticePlan& plan = result.best.front();
    const double hours = plan.hours * out_.n_devices;
    if (out_.hours > 0 && hours >= out_.hours) return;
    out_.hours = hours;
    out_.layout = fmt::format("{}: {}", c.engine->name, describe(plan));
  }

  /// About 4 million tokens, in whole sequences a device.
  int batch(int seq_len) const {
    const double per_device = 4e6 / seq_len / out_.n_devices;
    return out_.n_devices *
           std::max(1, 1 << static_cast<int>(std::lround(std::log2(std::max(1.0, per_device)))));
  }

  const WholeRun& whole_;
  const Catalogue& catalogue_;
  const fast::Constants& constants_;
  WholeRunPrediction out_;
};

}  // namespace

std::vector<WholeRun> read_whole_runs(const CsvTable& table) {
  for (const char* column : {"model", "tokens", "gpu", "gpu_hours"})
    if (!table.has(column))
      throw InputError(fmt::format("{}:1: there is no column {}", table.name(), column));
  std::vector<WholeRun> runs;
  for (std::size_t row = 0; row < table.n_rows(); ++row) {
    WholeRun run;
    run.model = table.field(row, "model");
    run.date = table.field(row, "date");
    run.gpu = table.field(row, "gpu");
    run.quality = table.field(row, "quality");
    run.n_params = number_or_zero(table, row, "params");
    run.n_tokens = number_or_zero(table, row, "tokens");
    run.gpu_hours = number_or_zero(table, row, "gpu_hours");
    run.gpu_count = static_cast<int>(std::min(1e6, number_or_zero(table, row, "gpu_count")));
    run.line = table.line(row);
    runs.push_back(std::move(run));
  }
  return runs;
}

std::vector<WholeRunPrediction> predict_whole_runs(const std::vector<WholeRun>& runs,
                                                   const Catalogue& catalogue,
                                                   const fast::Constants& constants) {
  std::vector<WholeRunPrediction> out;
  for (const WholeRun& run : runs)
    out.push_back(WholeRunPredictor(run, catalogue, constants).run());
  return out;
}

}  // namespace aforo::validate
