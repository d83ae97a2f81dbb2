#include <doctest/doctest.h>

#include <cmath>

#include "planner/base/error.h"
#include "planner/simulate/cost_model.h"

using namespace aforo;

namespace {

Calibration grid(double (*rate)(double m, double n, double k)) {
  Calibration calibration;
  calibration.name = "here";
  calibration.copy_bandwidth = BytesPerSecond(10e9);
  calibration.op_overhead = Seconds(1e-6);
  for (std::int64_t m : {256, 1024, 4096})
    for (std::int64_t n : {128, 512, 2048})
      for (std::int64_t k : {128, 512, 2048})
        calibration.gemm.push_back(
            {Dtype::fp32, "nt", false, m, n, k,
             FlopsPerSecond(
                 rate(static_cast<double>(m), static_cast<double>(n), static_cast<double>(k)))});
  return calibration;
}

double time_of_gemm(const CostModel& model, std::int64_t m, std::int64_t n, std::int64_t k) {
  StepProgram program;
  for (const auto& [rows, cols] : {std::pair{m, k}, {n, k}, {m, n}})
    program.buffers.push_back({"b", {rows, cols, 2}, Dtype::fp32, Role::activation, {}, true});
  return model.op_time(program, {Gemm{m, n, k, false, true, false, false}, {0, 1}, {2}, {}})
      .time.value;
}

double time_of_norm(const CostModel& model, std::int64_t rows, std::int64_t cols) {
  StepProgram program;
  program.buffers.push_back({"x", {rows, cols, 2}, Dtype::fp32, Role::activation, {}, true});
  program.buffers.push_back({"rstd", {rows, 1, 1}, Dtype::fp32, Role::activation, {}, true});
  return model.op_time(program, {RmsNorm{rows, cols, 1e-5f, false}, {0}, {0, 1}, {}}).time.value;
}

}  // namespace

TEST_CASE("calibrated cost model: measured products are returned exactly") {
  const auto model =
      calibrated_cost_model(grid([](double m, double n, double k) { return 1e9 + m + n + k; }));
  CHECK(time_of_gemm(*model, 1024, 512, 2048) ==
        doctest::Approx(2.0 * 1024 * 512 * 2048 / (1e9 + 1024 + 512 + 2048)));
}

TEST_CASE(
    "calibrated cost model: a rate that is a power of the sizes is interpolated exactly, and held "
    "at the edges") {
  const auto power = [](double m, double n, double k) {
    return 1e6 * std::pow(m, 0.3) * std::pow(n, 0.2) * std::sqrt(k);
  };
  const auto model = calibrated_cost_model(grid(power));
  CHECK(time_of_gemm(*model, 700, 300, 900) ==
        doctest::Approx(2.0 * 700 * 300 * 900 / power(700, 300, 900)));
  CHECK(time_of_gemm(*model, 9000, 300, 900) ==
        doctest::Approx(2.0 * 9000 * 300 * 900 / power(4096, 300, 900)));
}

TEST_CASE(
    "calibrated cost model: passes are interpolated in size and width and scale beyond the "
    "largest") {
  Calibration calibration = grid([](double, double, double) { return 1e9; });
  const double bytes_per_row_384 = 2 * 384 * 4 + 4;
  for (double rows : {100.0, 10000.0})
    calibration.passes.push_back(
        {"rms_norm", Dtype::fp32, rows * bytes_per_row_384, 384, Seconds(1e-7 * rows)});
  const auto model = calibrated_cost_model(calibration);
  CHECK(time_of_norm(*model, 100, 384) == doctest::Approx(1e-5));
  CHECK(time_of_norm(*model, 1000, 384) == doctest::Approx(1e-4));
  CHECK(time_of_norm(*model, 20000, 384) == doctest::Approx(2e-3));
}

TEST_CASE("calibrated cost model: an op that was not measured costs its bytes at copy bandwidth") {
  const auto model = calibrated_cost_model(grid([](double, double, double) { return 1e9; }));
  CHECK(time_of_norm(*model, 1000, 384) ==
        doctest::Approx((2 * 1000 * 384 * 4 + 4000) / 10e9 + 1e-6));
}

TEST_CASE("calibrated cost model: a type without products is refused") {
  const auto model = calibrated_cost_model(grid([](double, double, double) { return 1e9; }));
  CHECK_THROWS_AS(model->peak(Dtype::bf16), InputError);
}

TEST_CASE("calibrated cost model: a calibration without a copy bandwidth is refused") {
  CHECK_THROWS_AS(calibrated_cost_model(Calibration{}), InputError);
}
