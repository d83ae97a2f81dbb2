// Gradients of whole models against central finite differences of the loss.

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "runtime/cpu/backend.h"
#include "tests/support/runner.h"

using namespace aforo;

namespace {

/// Loss of the formula's first batch, in fp64 sums of fp32 logits.
double loss(tiny::Runner& runner) {
  runner.executor().run(SectionKind::begin);
  runner.write_tokens(0, 0);
  runner.executor().run(SectionKind::micro_step);
  return runner.read<double>(runner.program().ports.loss_sum)[0] /
         static_cast<double>(runner.program().rows);
}

/// Gradient buffers die with the optimizer, so gradients are read off an SGD step without momentum
/// and decay: w - w' = lr g.
TrainingJob sgd_job(const ModelSpec& model) {
  TrainingJob job = tiny::job(model);
  job.optimizer.kind = OptimizerKind::sgd;
  job.optimizer.momentum = 0;
  job.optimizer.weight_decay = 0;
  job.optimizer.clip_norm = 0;
  return job;
}

}  // namespace

TEST_CASE("gradients: whole models agree with finite differences along random directions") {
  // Along a direction d the loss changes by g . d. Central differences with step h have truncation
  // error O(h^2) and rounding error of about eps_loss / h, eps_loss ~ 1e-7 (fp32 logits): at h =
  // 1e-2 along a unit direction both stay near 1e-5; g . d is of order 0.1.
  constexpr double h = 1e-2;
  const auto backend = make_cpu_backend(2);
  for (const ModelSpec& model : tiny::all_models()) {
    const TrainingJob job = sgd_job(model);
    const Plan plan = tiny::plan(job, Precision::fp32, Recompute::none, 4);
    tiny::Runner runner(job, plan, *backend);
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    // A larger initialisation than training's, so that every branch matters.
    for (BufferId id : runner.program().parameters) {
      std::vector<float> values = runner.read<float>(id);
      for (float& value : values) value += 0.1f * normal(random);
      runner.write(id, values);
    }
    const std::vector<BufferId> parameters = runner.program().parameters;
    std::vector<std::vector<float>> start, gradient;
    for (BufferId id : parameters) start.push_back(runner.read<float>(id));
    runner.step(0, 1.0f);
    for (std::size_t p = 0; p < parameters.size(); ++p) {
      std::vector<float> after = runner.read<float>(parameters[p]);
      for (std::size_t i = 0; i < after.size(); ++i) after[i] = start[p][i] - after[i];
      gradient.push_back(std::move(after));
    }
    for (std::size_t p = 0; p < parameters.size(); ++p) {
      std::vector<float> direction(start[p].size());
      double norm = 0, slope = 0;
      for (float& d : direction) d = normal(random), norm += d * d;
      norm = std::sqrt(norm);
      for (std::size_t i = 0; i < direction.size(); ++i)
        slope += gradient[p][i] * (direction[i] /= norm);
      const auto loss_at = [&](double step) {
        for (std::size_t q = 0; q < parameters.size(); ++q) {
          std::vector<float> values = start[q];
          if (q == p)
            for (std::size_t i = 0; i < values.size(); ++i)
              values[i] += static_cast<float>(step) * direction[i];
          runner.write(parameters[q], values);
        }
        return loss(runner);
      };
      const double difference = (loss_at(h) - loss_at(-h)) / (2 * h);
      CAPTURE(model.name);
      CAPTURE(runner.program().buffers[parameters[p]].name);
      CHECK(std::abs(slope - difference) < 1e-4 + 5e-3 * std::abs(difference));
    }
  }
}

TEST_CASE(
    "fp16: a loss scale that overflows skips the step, halves, and leaves the weights alone") {
  const auto backend = make_cpu_backend(2);
  const TrainingJob job = tiny::job(tiny::gpt2());
  tiny::Runner runner(job, tiny::plan(job, Precision::fp16, Recompute::none, 4), *backend);
  std::vector<float> control = runner.read<float>(runner.program().ports.control);
  control[control::loss_scale] = 16777216.0f;
  runner.write(runner.program().ports.control, control);
  const BufferId wte = runner.find("wte.master");
  const std::vector<float> before = runner.read<float>(wte);
  int skipped = 0;
  for (int i = 0; i < 12; ++i) {
    runner.step(0, 1e-2f);
    control = runner.read<float>(runner.program().ports.control);
    if (control[control::skip] != 1.0f) break;
    ++skipped;
    CHECK(runner.read<float>(wte) == before);
    CHECK(control[control::loss_scale] == doctest::Approx(16777216.0 / std::pow(2.0, skipped)));
  }
  CHECK(skipped > 0);
  CHECK(control[control::skip] == 0.0f);
  CHECK(control[control::n_skipped] == skipped);
  CHECK(runner.read<float>(wte) != before);
}

TEST_CASE("fp16: the loss scale does not change what is learned") {
  const auto backend = make_cpu_backend(2);
  const TrainingJob job = tiny::job(tiny::llama());
  const auto fp32 =
      tiny::train(job, tiny::plan(job, Precision::fp32, Recompute::none, 4), *backend, 8);
  const auto fp16 =
      tiny::train(job, tiny::plan(job, Precision::fp16, Recompute::none, 4), *backend, 8);
  // fp16 has 11 bits: activations are rounded by up to 2^-11 each, losses of about 4 agree to about
  // 1e-2.
  for (std::size_t i = 0; i < fp32.size(); ++i) CHECK(std::abs(fp32[i] - fp16[i]) < 2e-2);
}
