// Training on the CPU backend against trajectories that PyTorch made
// (tests/golden/torch/make_trajectories.py states every formula: tokens, initial values,
// optimizers). The tolerance is the script's: four times the spread of faithful fp32
// implementations around the fp64 run, plus 2e-6 of the value.

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <cmath>

#include "planner/base/files.h"
#include "runtime/cpu/backend.h"
#include "tests/support/runner.h"

using namespace aforo;
namespace json = boost::json;

namespace {

const json::object& trajectories() {
  static const json::value value =
      json::parse(read_file(AFORO_SOURCE_DIR "/tests/golden/torch/trajectories.json"));
  return value.as_object();
}

ModelSpec model_of(const std::string& name) {
  if (name == "gpt2-ref") return tiny::gpt2();
  if (name == "llama-ref") return tiny::llama();
  if (name == "llama-qknorm-ref") return tiny::llama_qk_norm();
  return tiny::neox();
}

OptimizerSpec optimizer_of(const std::string& name) {
  OptimizerSpec optimizer;
  optimizer.kind = name == "sgd" ? OptimizerKind::sgd : OptimizerKind::adamw;
  optimizer.learning_rate = name == "sgd" ? 0.05 : 1e-2;
  optimizer.clip_norm = name == "sgd" ? 0.0 : 1.0;
  return optimizer;
}

/// Element i of parameter p, as the script's docstring defines it.
float initial_value(const std::string& start, const std::string& name, std::int64_t p,
                    std::int64_t i) {
  double angle = 0.7 * static_cast<double>(p) +
                 0.013 * static_cast<double>(i) * static_cast<double>(1 + p % 3) + 0.3;
  if (start == "chirp") angle += 0.37 * static_cast<double>((i * i) % 8191);
  const double base = static_cast<float>(0.5 * std::sin(angle));
  if (name.ends_with("norm.weight") || name.ends_with("norm1.weight") ||
      name.ends_with("norm2.weight"))
    return static_cast<float>(1 + 0.1 * base);
  return static_cast<float>((name.ends_with(".bias") ? 0.02 : 0.2) * base);
}

void set_initial_values(tiny::Runner& runner, const std::string& start) {
  const auto& parameters = runner.program().parameters;
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    const Buffer& buffer = runner.program().buffers[parameters[p]];
    std::vector<float> values(buffer.shape.numel());
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = initial_value(start, buffer.name, static_cast<std::int64_t>(p),
                                static_cast<std::int64_t>(i));
    runner.write(parameters[p], values);
  }
}

double norm_of(tiny::Runner& runner, BufferId id) {
  double sum = 0;
  for (float value : runner.read<float>(id)) sum += static_cast<double>(value) * value;
  return std::sqrt(sum);
}

/// The first `n` steps.
void check_series(const json::object& series, const std::vector<double>& ours, std::size_t n) {
  const json::array& expected = series.at("fp64").as_array();
  const json::array& spread = series.at("spread").as_array();
  REQUIRE(expected.size() == ours.size());
  for (std::size_t i = 0; i < n; ++i) {
    const double value = expected[i].to_number<double>();
    CAPTURE(i);
    CHECK(std::abs(ours[i] - value) <= 4 * spread[i].to_number<double>() + 2e-6 * std::abs(value));
  }
}

void check_run(const std::string& model, const std::string& start, const std::string& optimizer,
               const json::object& run, int micro_batch_size, Recompute recompute) {
  CAPTURE(model);
  CAPTURE(start);
  CAPTURE(optimizer);
  CAPTURE(micro_batch_size);
  const auto backend = make_cpu_backend(1);
  TrainingJob job = tiny::job(model_of(model));
  job.optimizer = optimizer_of(optimizer);
  tiny::Runner runner(job, tiny::plan(job, Precision::fp32, recompute, micro_batch_size), *backend);
  set_initial_values(runner, start);
  std::vector<double> losses, norms;
  for (int step = 0; step < 12; ++step) {
    losses.push_back(runner.step(step, static_cast<float>(job.optimizer.learning_rate)));
    norms.push_back(runner.gradient_norm());
  }
  // With the start "sine" layer_norm sees rows of nearly no variance and magnifies roundings
  // several hundredfold (the script's docstring): there only the first step, before any feedback,
  // is compared.
  const bool ill_conditioned = start == "sine" && job.model.norm.kind == NormKind::layer_norm;
  check_series(run.at("loss").as_object(), losses, ill_conditioned ? 1 : losses.size());
  check_series(run.at("grad_norm").as_object(), norms, ill_conditioned ? 1 : norms.size());
  if (start != "chirp") return;
  for (const auto& [name, value] : run.at("final_param_norms").as_object()) {
    // Softmax does not see a key bias, so its true gradient is zero and AdamW walks on roundings
    // alone.
    if (std::string(name).ends_with("qkv.bias") && optimizer == "adamw") continue;
    const double expected = value.to_number<double>();
    CAPTURE(std::string(name));
    CHECK(norm_of(runner, runner.find(std::string(name))) ==
          doctest::Approx(expected).epsilon(5e-5));
  }
}

}  // namespace

TEST_CASE("trajectory: declared parameters and initial values are those of the reference") {
  const auto backend = make_cpu_backend(1);
  for (const auto& [name, entry] : trajectories().at("models").as_object()) {
    const TrainingJob job = tiny::job(model_of(std::string(name)));
    tiny::Runner runner(job, tiny::plan(job, Precision::fp32, Recompute::none, 4), *backend);
    const json::object& shapes = entry.as_object().at("parameters").as_object();
    CAPTURE(std::string(name));
    REQUIRE(shapes.size() == runner.program().parameters.size());
    std::size_t p = 0;
    for (const auto& [parameter, shape] : shapes)
      CHECK(runner.program().buffers[runner.program().parameters[p++]].name ==
            std::string(parameter));
    for (const auto& [start, content] : entry.as_object().at("starts").as_object()) {
      set_initial_values(runner, std::string(start));
      for (const auto& [parameter, norm] : content.as_object().at("initial_norms").as_object())
        CHECK(norm_of(runner, runner.find(std::string(parameter))) ==
              doctest::Approx(norm.to_number<double>()).epsilon(1e-6));
    }
  }
}

TEST_CASE(
    "trajectory: losses, gradient norms and final weights follow PyTorch in every model, start and "
    "optimizer") {
  int n_runs = 0;
  for (const auto& [name, entry] : trajectories().at("models").as_object())
    for (const auto& [start, content] : entry.as_object().at("starts").as_object())
      for (const auto& [optimizer, run] : content.as_object().at("runs").as_object()) {
        check_run(std::string(name), std::string(start), std::string(optimizer), run.as_object(), 4,
                  Recompute::none);
        ++n_runs;
      }
  CHECK(n_runs >= 8);
}

TEST_CASE("trajectory: accumulation and recomputation follow the same reference") {
  for (const auto& [name, entry] : trajectories().at("models").as_object()) {
    const json::object& runs =
        entry.as_object().at("starts").as_object().at("chirp").as_object().at("runs").as_object();
    check_run(std::string(name), "chirp", "adamw", runs.at("adamw").as_object(), 1,
              Recompute::full);
  }
}
