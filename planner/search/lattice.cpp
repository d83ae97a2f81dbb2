#include "planner/search/lattice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "planner/base/error.h"
#include "planner/search/divisors.h"
#include "planner/search/lattice_walk.h"
#include "planner/search/recompute_optimum.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

void merge(const LatticeResult& part, LatticeResult& whole) {
  whole.best.insert(whole.best.end(), part.best.begin(), part.best.end());
  for (const LatticePlan& plan : part.pareto) keep_on_front(whole.pareto, plan);
  whole.n_considered += part.n_considered;
  whole.n_evaluated += part.n_evaluated;
  whole.n_fit += part.n_fit;
  for (int i = 0; i < n_obstacles; ++i) whole.rejected[i] += part.rejected[i];
  if (part.nearest && (!whole.nearest || better(*part.nearest, *whole.nearest, Objective::time))) {
    whole.nearest = part.nearest;
    whole.least_memory = part.least_memory;
  }
}

void check(const LatticeRequest& request) {
  if (request.space.n_devices.empty() || request.space.types.empty())
    throw InputError("the search has no device count or no precision to try");
  for (int n : request.space.n_devices)
    if (n < 1) throw InputError(fmt::format("the number of devices is {}; expected 1 or more", n));
  if (request.base.global_batch_size < 1 || request.base.seq_len < 1)
    throw InputError(fmt::format("global_batch_size is {} and seq_len is {}; both must be above 0",
                                 request.base.global_batch_size, request.base.seq_len));
}

}  // namespace

LatticeResult search_lattice(const LatticeRequest& request) {
  check(request);
  const std::vector<LatticeCell> cells = lattice_cells(request);
  const int n_threads =
      std::max(1, std::min<int>(request.n_threads, static_cast<int>(cells.size())));
  std::vector<LatticeResult> parts(n_threads);
  std::vector<std::thread> threads;
  const auto work = [&](int first) {
    for (std::size_t i = first; i < cells.size(); i += n_threads)
      walk_cell(request, cells[i], parts[first]);
  };
  for (int t = 1; t < n_threads; ++t) threads.emplace_back(work, t);
  work(0);
  for (std::thread& thread : threads) thread.join();
  LatticeResult result;
  for (const LatticeResult& part : parts) merge(part, result);
  count_illegal_cells(request, result);
  const auto first = [&](const LatticePlan& a, const LatticePlan& b) {
    return better(a, b, request.objective);
  };
  std::sort(result.best.begin(), result.best.end(), first);
  if (static_cast<int>(result.best.size()) > request.keep) result.best.resize(request.keep);
  prefer_simple(result.best, request.objective);
  std::sort(result.pareto.begin(), result.pareto.end(),
            [](const auto& a, const auto& b) { return better(a, b, Objective::time); });
  return result;
}

int complexity(const LatticePlan& plan) {
  const Parallelism& p = plan.setup.parallel;
  int score = static_cast<int>(p.sharding);
  if (p.tp > 1) score += 2 + static_cast<int>(std::log2(p.tp));
  if (p.pp > 1) score += 4 + static_cast<int>(std::log2(p.pp)) + (p.vpp > 1 ? 1 : 0);
  if (p.pipeline_schedule != PipelineSchedule::one_f_one_b) score += 1;
  if (p.uneven_stages()) score += 1;
  if (p.cp > 1) score += 3;
  if (p.ep > 1) score += 2;
  if (plan.setup.offload_states != OffloadTo::none) score += 4;
  if (plan.setup.offload_states == OffloadTo::nvme) score += 1;
  if (plan.setup.offload_activations != OffloadTo::none) score += 4;
  return score;
}

void prefer_simple(std::vector<LatticePlan>& plans, Objective objective, double loss) {
  if (plans.empty()) return;
  const auto value = [&](const LatticePlan& plan) {
    return objective == Objective::money ? plan.usd : plan.step_s;
  };
  const double limit = value(plans.front()) * (1 + loss);
  const auto end = std::partition_point(
      plans.begin(), plans.end(), [&](const LatticePlan& plan) { return value(plan) <= limit; });
  const auto simplest = std::min_element(plans.begin(), end, [](const auto& a, const auto& b) {
    return complexity(a) < complexity(b);
  });
  std::rotate(plans.begin(), simplest, simplest + 1);
}

std::string describe(Obstacle obstacle) {
  constexpr const char* texts[n_obstacles] = {
      "degrees that do not multiply to the number of devices",
      "tp that does not divide the heads or the MLP width",
      "pp or vpp that does not divide the layers",
      "micro_batch_size x dp that does not divide the batch",
      "ep that does not divide the experts or the ranks",
      "sharding that is illegal there (gathered weights in a pipeline, one data rank)",
      "does not fit in device memory, even with every layer computed again",
      "does not fit in host memory",
      "does not fit on local drives",
      "over the budget",
      "past the deadline"};
  return texts[static_cast<int>(obstacle)];
}

std::string describe(const LatticePlan& plan) {
  const fast::Setup& s = plan.setup;
  const Parallelism& p = s.parallel;
  constexpr const char* types[] = {"fp32", "tf32", "fp16", "bf16", "fp8", "fp4"};
  std::string out = types[static_cast<int>(s.matrix)];
  const auto degree = [&](const char* name, int n) {
    if (n > 1) out += fmt::format(", {} {}", name, n);
  };
  degree("tp", p.tp), degree("pp", p.pp), degree("vpp", p.vpp), degree("cp", p.cp);
  degree("ep", p.ep), degree("dp", p.dp);
  if (p.uneven_stages())
    out += fmt::format(", first stage {}, last {}", p.first_stage_layers, p.last_stage_layers);
  if (p.pp > 1 && p.pipeline_schedule != PipelineSchedule::one_f_one_b)
    out += fmt::format(", {}", enum_name(p.pipeline_schedule));
  if (p.dp * p.cp > 1) out += fmt::format(", {}", enum_name(p.sharding));
  if (p.sharding == Sharding::zeropp && !(p.zeropp == ZeroPlusPlus{}))
    out += fmt::format(" ({})", describe(p.zeropp));
  out += fmt::format(", micro_batch_size {}", s.micro_batch_size);
  if (s.recompute.plain_layers > 0) {
    out += fmt::format(", recompute {}", describe(s.recompute, s.model->n_layers));
  } else {
    if (s.recompute.norm) out += ", recompute selective";
    if (s.recompute.full_layers > 0)
      out += fmt::format(", recompute full x{} of {}", s.recompute.full_layers, s.model->n_layers);
  }
  if (s.offload_states == OffloadTo::cpu) out += ", states on the host";
  if (s.offload_states == OffloadTo::nvme) out += ", states on nvme";
  if (s.offload_activations != OffloadTo::none) out += ", activations on the host";
  return out;
}

}  // namespace aforo
