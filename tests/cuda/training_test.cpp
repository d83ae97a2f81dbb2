// Whole training steps of tiny models on the device, against the CPU.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/cuda/op_case.h"
#include "tests/support/runner.h"

using namespace aforo;
using namespace aforo::cuda_test;

namespace {

constexpr int steps = 4;

std::vector<double> losses_on(Backend& backend, const ModelSpec& model, Precision precision,
                              Recompute recompute) {
  const TrainingJob job = tiny::job(model);
  return tiny::train(job, tiny::plan(job, precision, recompute, 2), backend, steps);
}

}  // namespace

TEST_CASE("training: tiny models of every kind lose on the device what they lose on the CPU") {
  for (const ModelSpec& model : tiny::all_models())
    for (Precision precision : tiny::precisions) {
      CAPTURE(model.name);
      CAPTURE(static_cast<int>(precision));
      const auto actual = losses_on(device(), model, precision, Recompute::none);
      const auto expected = losses_on(cpu(), model, precision, Recompute::none);
      // fp32: sums in another order, 2^-24 each, amplified over four AdamW steps, whose first moves
      // every weight by the whole learning rate whatever the gradient's size. 16 bits: activations
      // are rounded, by up to 2^-8 or 2^-11, a rounding that a different last bit of fp32 can turn.
      const double tolerance = precision == Precision::fp32   ? 1e-3
                               : precision == Precision::bf16 ? 5e-2
                                                              : 2e-2;
      for (int i = 0; i < steps; ++i) CHECK(std::abs(actual[i] - expected[i]) < tolerance);
    }
}

TEST_CASE("training: recomputing activations changes no bit of the losses") {
  for (const ModelSpec& model : tiny::all_models()) {
    CAPTURE(model.name);
    const auto none = losses_on(device(), model, Precision::bf16, Recompute::none);
    CHECK(losses_on(device(), model, Precision::bf16, Recompute::selective) == none);
    CHECK(losses_on(device(), model, Precision::bf16, Recompute::full) == none);
  }
}

TEST_CASE("training: two runs lose the same bits") {
  const auto first = losses_on(device(), tiny::llama_qk_norm(), Precision::bf16, Recompute::none);
  CHECK(losses_on(device(), tiny::llama_qk_norm(), Precision::bf16, Recompute::none) == first);
}
