// How long one plan of 80 layers x 64 micro-batches takes to lower and simulate. Prints one line;
// the target is 200 ms.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "planner/lower/lower.h"
#include "planner/simulate/simulate.h"

using namespace aforo;

namespace {

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

/// The shape of Llama-2-70B.
TrainingJob job() {
  TrainingJob job;
  job.model.name = "llama-2-70b";
  job.model.n_layers = 80;
  job.model.d_model = 8192;
  job.model.vocab_size = 32000;
  job.model.max_seq_len = 4096;
  job.model.attention.n_heads = 64;
  job.model.attention.n_kv_heads = 8;
  job.model.attention.head_dim = 128;
  job.model.mlp = {28672, ActivationKind::swiglu, false};
  job.seq_len = 4096;
  job.global_batch_size = 64;
  job.n_tokens = 2'000'000'000'000;
  return job;
}

AcceleratorSpec card() {
  AcceleratorSpec card;
  card.name = "h100";
  card.memory = card.usable_memory = Bytes(80'000'000'000);
  card.memory_bandwidth = BytesPerSecond(3.35e12);
  card.peak_dense = {{"bf16", FlopsPerSecond(989e12)}};
  return card;
}

}  // namespace

int main() {
  const TrainingJob work = job();
  const auto model = spec_cost_model(card());
  for (Recompute recompute : {Recompute::none, Recompute::selective, Recompute::full}) {
    const Plan plan{Precision::bf16, std::vector<Recompute>(80, recompute), 1, {}};
    std::vector<double> lowered, simulated;
    for (int i = 0; i < 21; ++i) {
      const auto start = std::chrono::steady_clock::now();
      const StepProgram program = lower(work, plan, cuda_target());
      lowered.push_back(milliseconds_since(start));
      const auto middle = std::chrono::steady_clock::now();
      simulate(program, work, plan, *model);
      simulated.push_back(milliseconds_since(middle));
    }
    std::nth_element(lowered.begin(), lowered.begin() + 10, lowered.end());
    std::nth_element(simulated.begin(), simulated.begin() + 10, simulated.end());
    fmt::print(
        "80 layers x 64 micro-batches, recompute {}: lower {:.1f} ms, simulate {:.1f} ms (medians "
        "of 21)\n",
        describe_recompute(plan.recompute), lowered[10], simulated[10]);
  }
}
