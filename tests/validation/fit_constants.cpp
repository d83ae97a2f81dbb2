// Fits the constants of the time model to published runs and learns from rows left out how far
// predictions are off.
//   fit_constants RUNS.csv profiles/calibrations 2026-11-24
// writes published.yaml (constants) and published_ranges.yaml (80 % intervals by engine).

#include <fmt/format.h>

#include <set>

#include "planner/base/files.h"
#include "planner/validate/constants_fit.h"
#include "planner/validate/validation.h"

using namespace aforo;
using namespace aforo::validate;

namespace {

/// Measured over predicted, of rows that the constants had not seen.
PublishedRanges learn(const std::deque<Case>& cases) {
  ValidationRequest request;
  request.leave_out = LeaveOut::family;
  std::vector<Residual> time, memory;
  for (const Prediction& p : predict_all(cases, request)) {
    if (p.source == nullptr) continue;
    const Run& run = *p.source->run;
    const std::string& engine = p.source->engine->name;
    if (const auto measured = run.step_time(); measured && run.quality == "A")
      time.push_back({engine, *measured / p.time.step});
    const auto gib = run.measured.peak_mem_gib;
    if (gib && (run.quality == "A" || run.quality == "B-mem") && p.memory_gib > 0)
      memory.push_back({engine, *gib / p.memory_gib});
  }
  return {learn_ranges(time), learn_ranges(memory)};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: fit_constants RUNS.csv FOLDER DATE\n");
    return 2;
  }
  const std::string folder = argv[2];
  const std::vector<Run> runs = read_runs(argv[1]);
  const Catalogue catalogue = Catalogue::load();
  const std::deque<Case> cases = cases_of(runs, catalogue);
  std::vector<TimedCase> timed = timed_cases(cases, fast::Constants::load());
  std::erase_if(timed, [](const TimedCase& one) { return one.source->run->quality != "A"; });
  fast::Constants fitted = fit_constants(timed, fast::Constants::load());
  std::set<std::string> sources;
  for (const TimedCase& one : timed) sources.insert(one.source->run->repo);
  fitted.date = argv[3];
  fitted.fitted_to =
      fmt::format("{} published runs of quality A from {} sources", timed.size(), sources.size());
  write_file(folder + "/published.yaml", fitted.write());
  write_file(folder + "/published_ranges.yaml", learn(cases).write());
  fmt::print("{} constants fitted to {} runs\n", fitted.all().size(), timed.size());
}
