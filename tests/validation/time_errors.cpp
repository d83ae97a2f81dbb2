// A developer's look at the time model: fits the constants to published runs, with and without
// leaving families out, and lists errors by group.
//   time_errors RUNS.csv [prior|fit|rows|cross|cross-rows|source] [constants-out.yaml]

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

#include "planner/validate/constants_fit.h"

using namespace aforo;

namespace {

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<std::size_t>(q * values.size()))];
}

struct Error {
  const validate::TimedCase* timed;
  double log;
};

void summary(const std::vector<Error>& errors, auto key) {
  std::map<std::string, std::vector<double>> groups;
  std::map<std::string, std::vector<double>> signs;
  for (const Error& e : errors)
    for (const std::string& k : {key(*e.timed->source), std::string("ALL")}) {
      groups[k].push_back(std::abs(std::expm1(e.log)));
      signs[k].push_back(e.log);
    }
  for (auto& [k, v] : groups)
    fmt::print("{:60} {:4} median {:5.1f} p90 {:6.1f} bias {:+6.1f}\n", k, v.size(),
               100 * quantile(v, 0.5), 100 * quantile(v, 0.9), 100 * quantile(signs[k], 0.5));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 2 ? argv[2] : "fit";
  const auto runs = validate::read_runs(argv[1]);
  const auto catalogue = validate::Catalogue::load();
  std::deque<validate::Case> cases = validate::cases_of(runs, catalogue);
  std::erase_if(cases, [](const auto& c) { return c.run->quality != "A"; });
  for (auto& c : cases) c.setup.model = &c.model;
  const fast::Constants constants = fast::Constants::load();
  std::vector<validate::TimedCase> timed = validate::timed_cases(cases, constants);
  for (const auto& c : cases)
    if (!c.problem.empty()) fmt::print("{}: {}\n", c.run->id, c.problem);
  fast::Constants fitted = mode == "prior" ? constants : validate::fit_constants(timed, constants);
  std::vector<Error> errors;
  for (const auto& t : timed)
    errors.push_back({&t, std::log(validate::predict(t, fitted).step / t.measured)});
  if (mode.starts_with("cross") || mode == "source") {
    errors.clear();
    const auto key = [&](const validate::TimedCase& t) {
      return mode.starts_with("cross") ? t.source->run->family : t.source->run->repo;
    };
    std::map<std::string, int> fold_of;
    const int n_folds = mode.starts_with("cross") ? 160 : 1000;
    for (const auto& t : timed) fold_of.emplace(key(t), 0);
    int next = 0;
    for (auto& [k, fold] : fold_of) fold = next++ % n_folds;
    for (int fold = 0; fold < std::min(n_folds, next); ++fold) {
      std::vector<validate::TimedCase> train;
      for (const auto& t : timed)
        if (fold_of[key(t)] != fold) train.push_back(t);
      const fast::Constants c = validate::fit_constants(train, constants, 8);
      for (const auto& t : timed)
        if (fold_of[key(t)] == fold)
          errors.push_back({&t, std::log(validate::predict(t, c).step / t.measured)});
    }
  }
  if (mode == "rows" || mode == "cross-rows")
    for (const Error& e : errors) {
      const auto& c = *e.timed->source;
      const auto p = validate::predict(*e.timed, fitted);
      const double s = p.step / 100;
      fmt::print(
          "{:12} {:9} {:4}x {:22} s{:6} b{:5} mb{:3} dp{} tp{} pp{} cp{} ep{} mx{} rc{} {} meas "
          "{:.3f} "
          "err {:+.1f}% | gemm {:.0f} attn {:.0f} pass {:.0f} re {:.0f} head {:.0f} host {:.0f} "
          "bub "
          "{:.0f} tp {:.0f} cp {:.0f} ep {:.0f} pp {:.0f} dp {:.0f} opt {:.0f} off {:.0f} fix "
          "{:.0f}\n",
          c.run->id, c.cluster.accelerator->name, c.cluster.n_devices, c.run->model_name,
          c.setup.seq_len, c.setup.global_batch_size, c.setup.micro_batch_size, c.setup.parallel.dp,
          c.setup.parallel.tp, c.setup.parallel.pp, c.setup.parallel.cp, c.setup.parallel.ep,
          static_cast<int>(c.setup.matrix), c.setup.recompute.full_layers, c.engine->name,
          e.timed->measured, 100 * std::expm1(e.log), p.products / s, p.attention / s, p.passes / s,
          p.recompute / s, p.head / s, p.host / s, p.bubble / s, p.tp / s, p.cp / s, p.ep / s,
          p.pp / s, p.dp / s, p.optimizer / s, p.offload / s, p.fixed / s);
    }
  summary(errors, [](const validate::Case& c) {
    return c.run->repo + " | " + c.cluster.accelerator->name + " | " + c.engine->name;
  });
  if (mode == "fit")
    for (const auto& c : fitted.all())
      if (std::abs(std::log(c.value / c.prior)) > 0.5 * c.spread)
        fmt::print("  {:40} {:10.4g} prior {:10.4g} ({:+.1f} sd)\n", c.name, c.value, c.prior,
                   std::log(c.value / c.prior) / c.spread);
  if (argc > 3) std::ofstream(argv[3]) << fitted.write();
}
