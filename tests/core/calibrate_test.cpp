#include "runtime/core/calibrate.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "planner/lower/lower.h"
#include "planner/simulate/cost_model.h"
#include "runtime/core/probe_grid.h"
#include "tests/core/fake_backend.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text.h"
#include "tests/support/tiny.h"

using namespace aforo;

namespace {

/// A machine whose products reach their rate the later the smaller a side is, and whose passes move
/// bytes at a steady rate after a start-up time.
Seconds machine_time(const StepProgram& program, const Op& op) {
  const Cost cost = cost_of(program, op);
  if (const auto* gemm = std::get_if<Gemm>(&op.attrs)) {
    const double slowdown = 1 + 20.0 / static_cast<double>(gemm->m) +
                            30.0 / static_cast<double>(gemm->n) +
                            40.0 / static_cast<double>(gemm->k);
    return Seconds(cost.flops / 100e9 * slowdown + 1e-6);
  }
  const bool attention = std::holds_alternative<Attention>(op.attrs) ||
                         std::holds_alternative<AttentionBackward>(op.attrs);
  return Seconds((attention ? cost.flops / 30e9 : cost.bytes / 10e9) + 1e-6);
}

const Calibration& calibration() {
  static const Calibration result = [] {
    fake::Backend backend(machine_time, true);
    CalibrateOptions options;
    options.name = "fake-machine";
    options.seconds = 30;
    return calibrate(backend, options);
  }();
  return result;
}

}  // namespace

TEST_CASE("calibrate: bandwidth and overhead are those of the machine") {
  CHECK(calibration().copy_bandwidth.value == doctest::Approx(10e9).epsilon(0.01));
  CHECK(calibration().op_overhead.value == doctest::Approx(1e-6).epsilon(0.01));
  CHECK(calibration().name == "fake-machine");
  CHECK(calibration().backend == "fake, computes nothing");
  CHECK(calibration().n_threads == 1);
  CHECK(calibration().memory.value > 0);
}

TEST_CASE("calibrate: products are timed for every type and layout that a program has") {
  std::map<std::tuple<Dtype, std::string, bool>, int> points;
  for (const GemmPoint& point : calibration().gemm)
    ++points[{point.dtype, point.layout, point.accumulate}];
  for (const Dtype dtype : {Dtype::fp32, Dtype::bf16})
    for (const auto& [layout, accumulate] :
         {std::pair{"nt", false}, {"nn", false}, {"tn", false}, {"tn", true}})
      CHECK(points[{dtype, layout, accumulate}] >= 30);
  CHECK(points[{Dtype::fp16, "nt", false}] >= 5);
}

TEST_CASE("calibrate: the cost model gives back the time of every pass that was measured") {
  // Holds PassPoint::width and size together with what the cost model looks up.
  const auto model = calibrated_cost_model(calibration());
  for (const ProbeGroup& group : probe_groups()) {
    for (const Probe& probe : group.probes) {
      if (std::holds_alternative<Gemm>(probe.attrs)) continue;
      const std::vector<int> once{1};
      const StepProgram program =
          make_probe_program({&probe, 1}, once, cpu_target(), ProbeLayout::apart, Bytes(0)).program;
      CAPTURE(print(program));
      const Op& op = program.ops.back();
      CHECK(model->op_time(program, op).time.value ==
            doctest::Approx(machine_time(program, op).value).epsilon(1e-6));
    }
  }
}

TEST_CASE("calibrate: a step between the points is predicted within 5 percent") {
  // Interpolation on this machine's smooth surface; real ones add their own noise.
  const auto model = calibrated_cost_model(calibration());
  ModelSpec spec = tiny::llama(4);
  spec.d_model = 384;
  spec.attention = {6, 6, 64};
  spec.mlp.d_ff = 1100;
  spec.vocab_size = 5000;
  spec.max_seq_len = 300;
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    const TrainingJob job = tiny::job(spec, 8, 300);
    const StepProgram program =
        lower(job, tiny::plan(job, precision, Recompute::selective, 4), cpu_target());
    double predicted = 0, true_time = 0;
    for (const Section& section : program.sections) {
      for (int i = section.begin; i < section.end; ++i) {
        const auto repeat = static_cast<double>(section.repeat);
        predicted += repeat * model->op_time(program, program.ops[i]).time.value;
        true_time += repeat * machine_time(program, program.ops[i]).value;
      }
    }
    CHECK(predicted == doctest::Approx(true_time).epsilon(0.05));
  }
}

TEST_CASE("calibrate: progress rises from 0 to 1 and names what is timed") {
  fake::Backend backend(machine_time, true);
  std::vector<double> done;
  bool named = true;
  CalibrateOptions options;
  options.on_progress = [&](double share, const std::string& what) {
    done.push_back(share);
    named = named && !what.empty();
  };
  calibrate(backend, options);
  REQUIRE(done.size() > 5);
  CHECK(std::is_sorted(done.begin(), done.end()));
  CHECK(done.front() == 0);
  CHECK(done.back() == 1);
  CHECK(named);
}

TEST_CASE("calibrate: a machine that is busy for a while gives the same timings, without warning") {
  double slowdown = 1;
  fake::Backend backend([&](const StepProgram& program,
                            const Op& op) { return machine_time(program, op) * slowdown; },
                        true);
  std::string warning;
  CalibrateOptions options;
  options.on_progress = [&](double done, const std::string&) {
    slowdown = done > 0.1 && done < 0.4 ? 5 : 1;
  };
  options.on_warning = [&](const std::string& what) { warning = what; };
  const Calibration disturbed = calibrate(backend, options);
  CHECK(warning.empty());
  REQUIRE(disturbed.gemm.size() == calibration().gemm.size());
  for (std::size_t i = 0; i < disturbed.gemm.size(); ++i)
    CHECK(disturbed.gemm[i].rate.value == doctest::Approx(calibration().gemm[i].rate.value));
  REQUIRE(disturbed.passes.size() == calibration().passes.size());
  for (std::size_t i = 0; i < disturbed.passes.size(); ++i)
    CHECK(disturbed.passes[i].time.value == doctest::Approx(calibration().passes[i].time.value));
}

TEST_CASE("calibrate: a machine that never comes to rest is reported") {
  double slowdown = 1;
  fake::Backend backend([&](const StepProgram& program,
                            const Op& op) { return machine_time(program, op) * slowdown; },
                        true);
  std::string warning;
  CalibrateOptions options;
  options.on_progress = [&](double, const std::string&) { slowdown *= 1.05; };
  options.on_warning = [&](const std::string& what) { warning = what; };
  calibrate(backend, options);
  CHECK(contains(warning, "the machine was busy: "));
}
