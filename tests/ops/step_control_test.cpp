#include "planner/program/control.h"
#include "tests/ops/claims.h"

namespace aforo::test {
namespace {

using namespace control;

Case norm_of(const std::vector<std::int64_t>& sizes) {
  Case test;
  std::int64_t total = 0;
  for (std::int64_t size : sizes) {
    test.reads.push_back(fp32(normal(size, static_cast<int>(size))));
    total += size;
  }
  test.op = GradientNorm{total};
  test.writes = {typed(Dtype::fp64, {NAN})};
  return test;
}

TEST_CASE("gradient_norm: sums the squares of every tensor") {
  for (const std::vector<std::int64_t>& sizes :
       {std::vector<std::int64_t>{1}, {3, 17, 33}, {16384, 1, 16385, 100000}, {40000, 0, 7}}) {
    const Case test = norm_of(sizes);
    double expected = 0;
    for (const Operand& tensor : test.reads) expected += dot(tensor.values, tensor.values);
    for (const Isa& isa : available_isas()) {
      CAPTURE(isa.name);
      // All terms are positive, so the relative error is at most one fp64 rounding per addition of
      // a chain: a block's chain has 16384 / 4 terms at least (2 lanes, 4 chains: 2048), the
      // reference 150000 in one.
      CHECK(std::fabs(run(isa, test).writes[0][0] / expected - 1) < 160000 * 0x1p-53);
    }
  }
}

TEST_CASE("gradient_norm: neither threads nor the size of the workspace change a bit") {
  const Case test = norm_of({16384, 1, 16385, 100000, 33});
  for (const Isa& isa : available_isas()) {
    const Outcome one = run(isa, test);
    for (int n_threads : {2, 3, 5})
      check_equal_bytes(run(isa, test, {.n_threads = n_threads}), one);
    for (std::int64_t workspace : {8, 24, 64})
      check_equal_bytes(run(isa, test, {.workspace = workspace}), one);
  }
}

TEST_CASE("gradient_norm: NaN and infinity anywhere reach the norm") {
  for (std::size_t at : {0, 16383, 16384, 39999})
    for (double bad : {double{NAN}, double{INFINITY}}) {
      Case test = norm_of({100, 40000});
      test.reads[1].values[at] = bad;
      for (const Isa& isa : available_isas()) CHECK(!std::isfinite(run(isa, test).writes[0][0]));
    }
}

Doubles step_control(const Isa& isa, const StepControl& op, double norm_squared,
                     const Doubles& before) {
  const Case test{op, {typed(Dtype::fp64, {norm_squared}), fp32(before)}, {fp32(before)}, {{1, 0}}};
  return run(isa, test).writes[0];
}

Doubles fresh_control(double scale = 1) {
  Doubles control = zeros(control::size);
  control[loss_scale] = scale;
  return control;
}

TEST_CASE(
    "step_control: a norm above clip_norm is scaled down to it, the loss scale is divided out") {
  for (const Isa& isa : available_isas()) {
    // Norm of the scaled gradient 80, of the true one 10.
    const Doubles after = step_control(isa, {2.5f, false, 2000}, 6400, fresh_control(8));
    CHECK(after[gradient_norm] == 10);
    CHECK(after[gradient_multiplier] == doctest::Approx(2.5 / (10 + 1e-6) / 8).epsilon(1e-7));
    CHECK(after[skip] == 0);
    CHECK(after[optimizer_steps] == 1);
    CHECK(after[loss_scale] == 8);
  }
}

TEST_CASE("step_control: a norm below clip_norm, and clip_norm 0, leave the gradient as it is") {
  for (const Isa& isa : available_isas())
    for (float clip : {20.0f, 0.0f})
      CHECK(step_control(isa, {clip, false, 2000}, 6400, fresh_control(8))[gradient_multiplier] ==
            0.125);
}

TEST_CASE(
    "step_control: a norm that is not finite skips the step and halves a dynamic loss scale") {
  for (const Isa& isa : available_isas())
    for (double norm : {double{NAN}, double{INFINITY}})
      for (bool dynamic : {true, false}) {
        Doubles before = fresh_control(1024);
        before[optimizer_steps] = 5;
        before[n_skipped] = 2;
        before[good_steps] = 7;
        const Doubles after = step_control(isa, {1, dynamic, 2000}, norm, before);
        CHECK(after[skip] == 1);
        CHECK(after[n_skipped] == 3);
        CHECK(after[optimizer_steps] == 5);
        CHECK(after[loss_scale] == (dynamic ? 512 : 1024));
        CHECK(!std::isfinite(after[gradient_norm]));
        CHECK(after[gradient_multiplier] == 0);
        // The step after is taken again.
        CHECK(step_control(isa, {1, dynamic, 2000}, 1, after)[skip] == 0);
      }
}

TEST_CASE(
    "step_control: the loss scale doubles after growth_interval good steps, between 1 and 2^24") {
  for (const Isa& isa : available_isas()) {
    const StepControl op{1, true, 3};
    Doubles control = fresh_control(4);
    for (double expected : {4, 4, 8, 8, 8, 16}) {
      control = step_control(isa, op, 1, control);
      CHECK(control[loss_scale] == expected);
    }
    // A skipped step starts the count again.
    for (double norm : {1.0, 1.0, double{NAN}, 1.0, 1.0})
      control = step_control(isa, op, norm, control);
    CHECK(control[loss_scale] == 8);
    CHECK(step_control(isa, op, 1, control)[loss_scale] == 16);

    CHECK(step_control(isa, op, NAN, fresh_control(1))[loss_scale] == 1);
    CHECK(step_control(isa, {1, true, 1}, 1, fresh_control(0x1p24))[loss_scale] == 0x1p24);
    CHECK(step_control(isa, {1, true, 1}, 1, fresh_control(0x1p23))[loss_scale] == 0x1p24);
  }
}

}  // namespace
}  // namespace aforo::test
