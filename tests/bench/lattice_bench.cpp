// How fast the lattice search is: plans a second of the fast evaluation on one core, and the time
// to search GPT-3 175B on 64 devices exhaustively on two.

#include <fmt/format.h>

#include <chrono>

#include "planner/base/error.h"
#include "planner/search/lattice.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/model_file.h"

using namespace aforo;

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Evaluates time and memory of one layout again and again, changing what the inner loop changes.
void evaluation_rate(const fast::Setup& base, const fast::Cluster& cluster,
                     const fast::Rates& rates, const fast::EngineSpec& engine) {
  fast::Setup setup = base;
  const fast::Blocks blocks = fast::block_costs(setup, cluster, rates);
  constexpr int n = 2'000'000;
  double sum = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < n; ++i) {
    setup.recompute.full_layers = i % 97;
    setup.parallel.sharding = i % 2 == 0 ? Sharding::ddp : Sharding::zero1;
    sum += fast::time_parts(setup, cluster, rates, blocks).step;
    sum += fast::memory_parts(setup, engine).device();
  }
  const double seconds = seconds_since(start);
  fmt::print("{:.0f} plans/s on one core, time and memory ({} plans, checksum {:.3e})\n",
             n / seconds, n, sum);
}

}  // namespace

int main() {
  const ModelSpec model = find_model("gpt3-175b");
  const AcceleratorSpec card = find_accelerator("a100-sxm-80");
  const std::vector<fast::EngineSpec> engines = fast::all_engines();
  const fast::Constants constants = fast::Constants::load();
  LatticeRequest request;
  for (const fast::EngineSpec& engine : engines)
    if (engine.name == "megatron") request.engine = &engine;
  request.constants = &constants;
  request.cluster = {&card, 64, 8, card.link.all_reduce.value, 25e9};
  request.base.model = &model;
  request.base.seq_len = 2048;
  request.base.global_batch_size = 3072;
  request.base.micro_batch_size = 1;
  request.space.n_devices = {64};
  request.space.offload_states = request.space.offload_activations = true;
  request.n_tokens = 300e9;
  request.n_threads = 2;

  fast::Setup setup = request.base;
  setup.parallel.tp = 8, setup.parallel.pp = 8;
  const fast::Rates rates =
      fast::rate_recipe(constants, request.cluster, *request.engine).rates(constants);
  evaluation_rate(setup, request.cluster, rates, *request.engine);

  const auto start = std::chrono::steady_clock::now();
  const LatticeResult result = search_lattice(request);
  fmt::print("{} plans decided on in {:.2f} s on two cores, {} evaluated, {} fit\n",
             result.n_considered, seconds_since(start), result.n_evaluated, result.n_fit);
  for (std::size_t i = 0; i < std::min<std::size_t>(3, result.best.size()); ++i)
    fmt::print("  {:.2f} s a step: {}\n", result.best[i].step_s, describe(result.best[i]));
}
