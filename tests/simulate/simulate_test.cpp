#include "planner/simulate/simulate.h"

#include <doctest/doctest.h>

#include <cmath>

#include "planner/base/error.h"
#include "planner/fast/rates.h"
#include "planner/lower/lower.h"
#include "tests/support/tiny.h"

using namespace aforo;

namespace {

/// A card on which the arithmetic can be done by hand: 100 TFLOP/s, 1 TB/s, everything at full
/// efficiency of the profile; what published runs reach of it comes on top.
AcceleratorSpec round_card() {
  AcceleratorSpec card;
  card.name = "round";
  card.vendor = "none";
  card.memory = card.usable_memory = Bytes(10 * gibi);
  card.memory_bandwidth = BytesPerSecond(1e12);
  card.peak_dense = {{"fp32", FlopsPerSecond(50e12)}, {"bf16", FlopsPerSecond(100e12)}};
  card.gemm_efficiency = card.memory_efficiency = 1.0;
  card.launch_overhead = Seconds(1e-6);
  card.context_memory = Bytes(gibi);
  card.link.all_reduce = BytesPerSecond(10e9);
  return card;
}

/// A constant fitted to published runs; the round card has none of its own.
double constant(const std::string& name) {
  static const fast::Constants constants = fast::Constants::load();
  return constants.all().at(constants.find(name)).value;
}
/// Between two kernels of a captured graph.
double gap() { return 0.5 * constant("gap"); }

Estimate estimate(const TrainingJob& job, const Plan& plan, const CostModel& model) {
  return simulate(lower(job, plan, cuda_target()), job, plan, model);
}

Op gemm_op(StepProgram& program, std::int64_t m, std::int64_t n, std::int64_t k, Dtype dtype) {
  const auto add = [&](std::int64_t rows, std::int64_t cols) {
    program.buffers.push_back({"b", {rows, cols, 2}, dtype, Role::activation, {}, true});
    return static_cast<BufferId>(program.buffers.size()) - 1;
  };
  return {Gemm{m, n, k, false, true, false, false}, {add(m, k), add(n, k)}, {add(m, n)}, {}};
}

}  // namespace

TEST_CASE("spec cost model: a large product takes FLOPs over the calibrated peak plus a gap") {
  StepProgram program;
  const Op op = gemm_op(program, 100000, 100000, 50000, Dtype::bf16);
  const OpTime time = spec_cost_model(round_card())->op_time(program, op);
  // What saturation takes: half_mn scales with the root of the peak over an A100's 312 TFLOP/s.
  const double waves = 1 + constant("half_mn") * std::sqrt(100.0 / 312) / 1e10;
  const double inner = 1 + constant("half_k") / 50000;
  const double expected = 1e15 / (100e12 * constant("gemm_16")) * waves * inner + gap();
  CHECK(time.time.value / expected == doctest::Approx(1));
  CHECK(std::string(time.limited_by) == "compute");
}

TEST_CASE("spec cost model: strict fp32 multiplies at its own peak") {
  StepProgram program;
  const auto model = spec_cost_model(round_card());
  const Op half = gemm_op(program, 100000, 100000, 50000, Dtype::bf16);
  const Op full = gemm_op(program, 100000, 100000, 50000, Dtype::fp32);
  CHECK(model->op_time(program, full).time / model->op_time(program, half).time ==
        doctest::Approx(2).epsilon(0.001));
}

TEST_CASE("spec cost model: a thin product takes bytes over the calibrated bandwidth") {
  StepProgram program;
  const Op op = gemm_op(program, 1, 10000, 10000, Dtype::bf16);
  const OpTime time = spec_cost_model(round_card())->op_time(program, op);
  const double expected = 2.0 * (1e8 + 2e4) / (1e12 * constant("memory")) + gap();
  CHECK(time.time.value / expected == doctest::Approx(1));
  CHECK(std::string(time.limited_by) == "memory");
}

TEST_CASE("spec cost model: attention reaches its share of products, half of it at half_seq keys") {
  StepProgram program;
  for (int i = 0; i < 3; ++i)
    program.buffers.push_back({"b", {1, 1, 2}, Dtype::bf16, Role::activation, {}, true});
  const Op op{Attention{8, 4096, 32, 32, 128, 0, 1, false}, {0}, {1, 2}, {}};
  const OpTime time = spec_cost_model(round_card())->op_time(program, op);
  const double flops = 4.0 * 128 * 8 * 32 * visible_pairs(4096, 0);
  const double rate = 100e12 * constant("gemm_16") * constant("attention_forward");
  const double expected = flops / rate * (1 + constant("half_seq") / 4096) + gap();
  CHECK(time.time.value / expected == doctest::Approx(1));
}

TEST_CASE("spec cost model: a type without a peak is refused with those that have one") {
  StepProgram program;
  const Op op = gemm_op(program, 8, 8, 8, Dtype::fp16);
  CHECK_THROWS_WITH_AS(
      spec_cost_model(round_card())->op_time(program, op),
      "round has no fp16 peak in its profile; use --precision with one of those it has: bf16, fp32",
      InputError);
}

TEST_CASE("spec cost model: an all-reduce over two ranks sends the bytes once") {
  StepProgram program;
  program.buffers.push_back({"g", {1, 2500000, 1}, Dtype::fp32, Role::gradient, {}, true});
  const Op op{AllReduce{2500000, 2}, {0}, {0}, {}};
  const OpTime time = spec_cost_model(round_card())->op_time(program, op);
  const double expected = 1e7 / (10e9 * constant("intra")) + 2 * constant("latency_intra");
  CHECK(time.time.value / expected == doctest::Approx(1));
}

TEST_CASE(
    "simulate: the step is the sum of its spans, each as often as its section repeats, and what "
    "a step takes outside them") {
  const TrainingJob job = tiny::job(tiny::llama(), 8);
  const Plan plan = tiny::plan(job, Precision::bf16, Recompute::none, 2);
  const auto model = spec_cost_model(round_card());
  const StepProgram program = lower(job, plan, cuda_target());
  const Estimate result = simulate(program, job, plan, *model);
  double sum = 0;
  for (const Section& section : program.sections)
    for (int i = section.begin; i < section.end; ++i)
      sum += result.trace.spans[i].time.value * static_cast<double>(section.repeat);
  const double outside = model->step_overhead().value;
  CHECK(outside > 0);
  CHECK(result.trace.step_time.value / (sum + outside) == doctest::Approx(1));
  double shares = 0;
  for (const TimeShare& share : result.shares) shares += share.time.value;
  CHECK(shares / sum == doctest::Approx(1));
}

TEST_CASE("simulate: recomputation costs time and FLOPs, and model FLOPs stay") {
  const TrainingJob job = tiny::job(tiny::llama());
  const auto model = spec_cost_model(round_card());
  const Estimate none = estimate(job, tiny::plan(job, Precision::bf16, Recompute::none, 4), *model);
  const Estimate full = estimate(job, tiny::plan(job, Precision::bf16, Recompute::full, 4), *model);
  CHECK(full.step_time.mid > none.step_time.mid);
  CHECK(full.hardware_flops > none.hardware_flops);
  CHECK(full.model_flops_causal == none.model_flops_causal);
  CHECK(full.mfu_causal < none.mfu_causal);
}

TEST_CASE("simulate: memory is arena plus overhead, judged against the device") {
  const TrainingJob job = tiny::job(tiny::gpt2());
  const Plan plan = tiny::plan(job, Precision::bf16, Recompute::none, 4);
  AcceleratorSpec card = round_card();
  const Estimate fits = estimate(job, plan, *spec_cost_model(card));
  CHECK(fits.memory == fits.trace.arena + Bytes(gibi));
  CHECK(fits.verdict == Verdict::fits);
  card.usable_memory = fits.memory;
  CHECK(estimate(job, plan, *spec_cost_model(card)).verdict == Verdict::tight);
  card.usable_memory = fits.memory - Bytes(1);
  CHECK(estimate(job, plan, *spec_cost_model(card)).verdict == Verdict::too_big);
}

TEST_CASE(
    "simulate: two ranks halve the micro-steps, add a reduction and double the device hours' "
    "rate") {
  const TrainingJob job = tiny::job(tiny::llama(), 8);
  Plan one = tiny::plan(job, Precision::bf16, Recompute::none, 2), two = one;
  two.parallel.dp = 2;
  const auto model = spec_cost_model(round_card());
  const Estimate alone = estimate(job, one, *model), pair = estimate(job, two, *model);
  CHECK(pair.device_hours.mid == doctest::Approx(2 * pair.hours.mid));
  CHECK(alone.device_hours.mid == alone.hours.mid);
  CHECK(pair.model_flops_causal == alone.model_flops_causal);
}

TEST_CASE("cost: hours times price") {
  const Interval dollars = cost({1, 2, 3}, DollarsPerHour(0.5));
  CHECK(dollars.low == 0.5);
  CHECK(dollars.mid == 1.0);
  CHECK(dollars.high == 1.5);
}
