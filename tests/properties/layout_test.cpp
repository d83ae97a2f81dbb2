// Plans of one job with the same precision train the same thing.

#include <doctest/doctest.h>

#include <cmath>

#include "runtime/cpu/backend.h"
#include "tests/support/runner.h"

using namespace aforo;

namespace {

constexpr int n_steps = 4;

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

}  // namespace

TEST_CASE(
    "layout: recomputation gives the same losses bit for bit, in every model kind and precision") {
  const auto backend = make_cpu_backend(2);
  for (const ModelSpec& model : tiny::all_models())
    for (Precision precision : tiny::precisions) {
      const TrainingJob job = tiny::job(model);
      CAPTURE(model.name);
      const auto none =
          tiny::train(job, tiny::plan(job, precision, Recompute::none, 2), *backend, n_steps);
      for (Recompute recompute : {Recompute::selective, Recompute::full})
        CHECK(tiny::train(job, tiny::plan(job, precision, recompute, 2), *backend, n_steps) ==
              none);
    }
}

TEST_CASE(
    "layout: the micro-batch size leaves the first loss bit for bit and later losses up to "
    "rounding") {
  const auto backend = make_cpu_backend(2);
  for (const ModelSpec& model : tiny::all_models()) {
    const TrainingJob job = tiny::job(model);
    CAPTURE(model.name);
    const auto whole =
        tiny::train(job, tiny::plan(job, Precision::fp32, Recompute::none, 4), *backend, n_steps);
    for (int micro_batch_size : {1, 2}) {
      const auto split =
          tiny::train(job, tiny::plan(job, Precision::fp32, Recompute::none, micro_batch_size),
                      *backend, n_steps);
      // Gradients are summed in another order: relative differences of about 2^-24 times sqrt(64
      // rows), which AdamW turns into weight changes of that share of the learning rate; 1e-4
      // leaves room for elements near zero gradient.
      CHECK(largest_difference(whole, split) < 1e-4);
    }
  }
}

TEST_CASE("layout: the forward pass of a step does not depend on the micro-batch") {
  const auto backend = make_cpu_backend(1);
  const TrainingJob job = tiny::job(tiny::llama());
  const auto first = [&](int micro_batch_size) {
    return tiny::train(job, tiny::plan(job, Precision::fp32, Recompute::none, micro_batch_size),
                       *backend, 1)[0];
  };
  CHECK(first(4) == doctest::Approx(first(1)).epsilon(1e-7));
}

TEST_CASE("layout: training lowers the loss in every model kind and precision") {
  const auto backend = make_cpu_backend(2);
  for (const ModelSpec& model : tiny::all_models())
    for (Precision precision : tiny::precisions) {
      const TrainingJob job = tiny::job(model);
      tiny::Runner runner(job, tiny::plan(job, precision, Recompute::none, 4), *backend);
      const double before = runner.evaluate(0);
      for (int i = 0; i < 15; ++i) runner.step(0, 1e-2f);
      CAPTURE(model.name);
      CHECK(runner.evaluate(0) < before - 0.5);
    }
}

TEST_CASE("layout: evaluation changes nothing that is trained") {
  const auto backend = make_cpu_backend(2);
  const TrainingJob job = tiny::job(tiny::gpt2());
  const Plan plan = tiny::plan(job, Precision::bf16, Recompute::selective, 2);
  tiny::Runner runner(job, plan, *backend);
  std::vector<double> losses;
  for (int i = 0; i < n_steps; ++i) {
    losses.push_back(runner.step(i, 1e-2f));
    runner.evaluate(100 + i);
  }
  CHECK(losses == tiny::train(job, plan, *backend, n_steps));
}

TEST_CASE("layout: buffers allocated apart give the same losses as one arena") {
  const auto arena = make_cpu_backend(2), apart = make_cpu_backend_separate(2);
  for (const ModelSpec& model : tiny::all_models())
    for (Recompute recompute : tiny::recomputes) {
      const TrainingJob job = tiny::job(model);
      const Plan plan = tiny::plan(job, Precision::bf16, recompute, 2);
      CAPTURE(model.name);
      CHECK(tiny::train(job, plan, *apart, 3) == tiny::train(job, plan, *arena, 3));
    }
}
