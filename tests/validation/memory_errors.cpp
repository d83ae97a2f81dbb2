// Developer tool: errors of predicted peak memory on published runs.
//   memory_errors RUNS.csv [part of an id or repository]      every row with its parts
//   memory_errors RUNS.csv -s                                 the summary only

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "planner/fast/memory.h"
#include "planner/validate/setup_of_run.h"

namespace {

using namespace aforo;

constexpr double gib = 1024.0 * 1024 * 1024;

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double same_kind(const fast::MemoryParts& m, const std::string& kind) {
  if (kind == "allocated") return m.allocated();
  return kind == "device-used" ? m.device() : m.reserved();
}

void print_parts(const fast::MemoryParts& m) {
  fmt::print(
      "      weights {:.2f} master {:.2f} states {:.2f} gradients {:.2f} gathered {:.2f} "
      "activations "
      "{:.2f} working {:.2f} logits {:.2f} workspace {:.2f} slack {:.2f} cache {:.2f} context "
      "{:.2f}\n",
      m.weights / gib, m.master / gib, m.optimizer_states / gib, m.gradients / gib,
      m.gathered / gib, m.activations / gib, m.working / gib, m.logits / gib, m.workspace / gib,
      m.slack / gib, m.cache / gib, m.context / gib);
}

bool counts(const validate::Run& run) { return run.quality == "A" || run.quality == "B-mem"; }

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return fmt::print("usage: memory_errors RUNS.csv [filter | -s]\n"), 2;
  const std::string filter = argc > 2 ? argv[2] : "";
  const auto runs = validate::read_runs(argv[1]);
  const auto catalogue = validate::Catalogue::load();
  std::map<std::string, std::vector<double>> errors;
  int fits = 0, fits_right = 0, ooms = 0, ooms_right = 0;
  for (const validate::Case& c : validate::cases_of(runs, catalogue)) {
    const validate::Run& run = *c.run;
    const bool measured = run.measured.peak_mem_gib.has_value();
    if (!run.measured.oom && !(measured && counts(run))) continue;
    const bool shown = filter != "-s" && (run.id + run.repo).find(filter) != std::string::npos;
    if (!c.problem.empty()) {
      if (shown) fmt::print("{:<11} {}\n", run.id, c.problem);
      continue;
    }
    const fast::MemoryParts m = fast::memory_parts(c.setup, *c.engine);
    const bool fit = m.required() <= c.setup.device.memory;
    if (run.measured.oom) {
      ++ooms, ooms_right += !fit;
      if (shown)
        fmt::print("{:<11} {:<34.34} OOM    needs {:.1f} of {:.1f} GiB {}\n", run.id,
                   run.model_name, m.required() / gib, c.setup.device.memory / gib,
                   fit ? "WRONG" : "right");
      if (shown) print_parts(m);
      continue;
    }
    ++fits, fits_right += fit;
    const double predicted = same_kind(m, run.measured.mem_kind) / gib;
    const double error = predicted / *run.measured.peak_mem_gib - 1;
    errors[run.repo].push_back(std::abs(error));
    errors["(all)"].push_back(std::abs(error));
    if (!shown) continue;
    fmt::print("{:<11} {:<44.44} {:<10} {:7.3f} predicted {:7.3f}  {:+6.1f} %{}\n", run.id,
               run.model_name, run.measured.mem_kind, *run.measured.peak_mem_gib, predicted,
               100 * error, fit ? "" : "  DOES NOT FIT");
    print_parts(m);
  }
  for (const auto& [repo, values] : errors)
    fmt::print("{:<36} {:>4} rows  median {:5.1f} %  worst {:6.1f} %\n", repo, values.size(),
               100 * median(values), 100 * *std::max_element(values.begin(), values.end()));
  fmt::print("out of memory: {} of {} right; fits: {} of {} right\n", ooms_right, ooms, fits_right,
             fits);
}
