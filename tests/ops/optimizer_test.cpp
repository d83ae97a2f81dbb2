#include "planner/program/control.h"
#include "tests/ops/claims.h"

namespace aforo::test {
namespace {

using namespace control;

/// A made-up run: gradients of each step, its control buffer after StepControl, its learning rate.
struct Step {
  Doubles gradient, control;
  double learning_rate;
};

std::vector<Step> steps_of(std::int64_t n) {
  std::vector<Step> steps;
  int taken = 0;
  for (int i = 0; i < 6; ++i) {
    const bool skipped = i == 2;
    Step step{normal(n, 10 + i, 100), zeros(control::size), 0.01 / (1 + i)};
    step.control[gradient_multiplier] = 0.01f / (1 + i);  // unscales and clips
    step.control[optimizer_steps] = taken += !skipped;
    step.control[skip] = skipped;
    if (skipped) step.gradient[n / 2] = NAN;
    steps.push_back(step);
  }
  return steps;
}

Operand schedule_of(const Step& step) {
  Doubles schedule = zeros(schedule::size);
  schedule[schedule::learning_rate] = static_cast<float>(step.learning_rate);
  return fp32(schedule);
}

struct AdamState {
  Doubles w, m, v;
};

constexpr AdamW adamw_of(std::int64_t n, bool has_copy) {
  return {n, 0.9f, 0.95f, 1e-8f, 0.1f, has_copy};
}

Case adamw(const AdamW& op, const AdamState& s, const Step& step) {
  Case test{
      op,
      {fp32(step.gradient), fp32(s.w), fp32(s.m), fp32(s.v), fp32(step.control), schedule_of(step)},
      {fp32(s.w), fp32(s.m), fp32(s.v)},
      {{1, 0}, {2, 1}, {3, 2}}};
  if (op.has_copy) test.writes.push_back(activation(Doubles(op.numel, 7)));
  return test;
}

AdamState reference_adamw(const AdamW& op, AdamState s, const Step& step) {
  if (step.control[skip] != 0) return s;
  const double t = step.control[optimizer_steps], rate = static_cast<float>(step.learning_rate);
  for (std::size_t i = 0; i < s.w.size(); ++i) {
    const double g = step.gradient[i] * static_cast<float>(step.control[gradient_multiplier]);
    s.m[i] = op.beta1 * s.m[i] + (1 - static_cast<double>(op.beta1)) * g;
    s.v[i] = op.beta2 * s.v[i] + (1 - static_cast<double>(op.beta2)) * g * g;
    const double m = s.m[i] / (1 - std::pow(op.beta1, t)), v = s.v[i] / (1 - std::pow(op.beta2, t));
    s.w[i] -= rate * (m / (std::sqrt(v) + op.epsilon) + op.weight_decay * s.w[i]);
  }
  return s;
}

TEST_CASE("adamw: follows the definition in fp64 over six steps, one of them skipped") {
  for (std::int64_t n : {1, 3, 17, 33, 384, 1000}) {
    const AdamW op = adamw_of(n, false);
    for (const Isa& isa : available_isas()) {
      CAPTURE(n);
      CAPTURE(isa.name);
      AdamState actual{normal(n, 1), zeros(n), zeros(n)}, expected = actual;
      for (const Step& step : steps_of(n)) {
        const Outcome outcome = run(isa, adamw(op, actual, step));
        actual = {outcome.writes[0], outcome.writes[1], outcome.writes[2]};
        expected = reference_adamw(op, expected, step);
      }
      // Per step: w, below 4, is rounded once; the update, at most rate * 4 = 0.04, has some 10
      // roundings. m sums terms of order 1 with 3 roundings each, v their squares (below 16)
      // with 4.
      check_close(actual.w, expected.w, 6 * (4 + 0.4) * unit_roundoff);
      check_close(actual.m, expected.m, 6 * 3 * 4 * unit_roundoff);
      check_close(actual.v, expected.v, 6 * 4 * 16 * unit_roundoff);
    }
  }
}

TEST_CASE("adamw: the 16-bit copy is the rounded weight") {
  const std::int64_t n = 1003;
  const AdamState state{normal(n, 1), normal(n, 2), Doubles(n, 0.5)};
  for (const Isa& isa : available_isas())
    for (Dtype dtype : {Dtype::bf16, Dtype::fp16}) {
      const Outcome outcome =
          run(isa, adamw(adamw_of(n, true), state, steps_of(n)[0]), {.activations = dtype});
      for (std::int64_t i = 0; i < n; ++i)
        REQUIRE(outcome.writes[3][i] == rounded(outcome.writes[0][i], dtype));
    }
}

TEST_CASE("adamw: a skipped step writes nothing, not even the copy, whatever the gradient is") {
  const std::int64_t n = 101;
  const AdamState state{normal(n, 1), normal(n, 2), Doubles(n, 0.5)};
  Step skipped = steps_of(n)[2];
  skipped.gradient = Doubles(n, NAN);
  for (const Isa& isa : available_isas())
    for (bool has_copy : {false, true}) {
      const Outcome outcome =
          run(isa, adamw(adamw_of(n, has_copy), state, skipped), {.activations = Dtype::bf16});
      CHECK(outcome.writes[0] == state.w);
      CHECK(outcome.writes[1] == state.m);
      CHECK(outcome.writes[2] == state.v);
      if (has_copy) CHECK(outcome.writes[3] == Doubles(n, 7));
    }
}

TEST_CASE("adamw: the number of threads does not change a bit") {
  const std::int64_t n = 20011;
  const AdamState state{normal(n, 1), normal(n, 2), Doubles(n, 0.5)};
  for (const Isa& isa : available_isas())
    for (Dtype dtype : {Dtype::bf16, Dtype::fp16}) {
      const Case test = adamw(adamw_of(n, true), state, steps_of(n)[3]);
      const Outcome one = run(isa, test, {.activations = dtype});
      for (int n_threads : {2, 3, 5})
        check_equal_bytes(run(isa, test, {.activations = dtype, .n_threads = n_threads}), one);
    }
}

struct SgdState {
  Doubles w, b;
};

Case sgd(const Sgd& op, const SgdState& s, const Step& step) {
  Case test{op,
            {fp32(step.gradient), fp32(s.w), fp32(step.control), schedule_of(step)},
            {fp32(s.w)},
            {{1, 0}}};
  if (op.has_momentum) {
    test.reads.push_back(fp32(s.b));
    test.writes.push_back(fp32(s.b));
    test.shared.push_back({4, 1});
  }
  if (op.has_copy) test.writes.push_back(activation(Doubles(op.numel, 7)));
  return test;
}

SgdState reference_sgd(const Sgd& op, SgdState s, const Step& step) {
  if (step.control[skip] != 0) return s;
  for (std::size_t i = 0; i < s.w.size(); ++i) {
    double g = step.gradient[i] * static_cast<float>(step.control[gradient_multiplier]) +
               op.weight_decay * s.w[i];
    if (op.has_momentum) g = s.b[i] = op.momentum * s.b[i] + g;
    s.w[i] -= static_cast<float>(step.learning_rate) * g;
  }
  return s;
}

TEST_CASE("sgd: follows the definition in fp64 over six steps, one of them skipped") {
  for (std::int64_t n : {1, 3, 17, 33, 384})
    for (bool has_momentum : {false, true})
      for (const Isa& isa : available_isas()) {
        CAPTURE(n);
        CAPTURE(has_momentum);
        CAPTURE(isa.name);
        const Sgd op{n, 0.9f, 0.1f, has_momentum, false};
        SgdState actual{normal(n, 1), zeros(n)}, expected = actual;
        for (const Step& step : steps_of(n)) {
          const Outcome outcome = run(isa, sgd(op, actual, step));
          actual = {outcome.writes[0], has_momentum ? outcome.writes[1] : actual.b};
          expected = reference_sgd(op, expected, step);
        }
        // Per step: b, below 16, has 4 roundings; w, below 4, one, and rate = 0.01 times those of
        // b.
        check_close(actual.b, expected.b, 6 * 4 * 16 * unit_roundoff);
        check_close(actual.w, expected.w, 6 * (4 + 0.01 * 4 * 16 * 6) * unit_roundoff);
      }
}

TEST_CASE("sgd: the 16-bit copy is the rounded weight, and nothing is written in a skipped step") {
  const std::int64_t n = 1003;
  const SgdState state{normal(n, 1), normal(n, 2)};
  for (const Isa& isa : available_isas())
    for (bool has_momentum : {false, true})
      for (Dtype dtype : {Dtype::bf16, Dtype::fp16}) {
        const Sgd op{n, 0.9f, 0.1f, has_momentum, true};
        const Outcome taken = run(isa, sgd(op, state, steps_of(n)[0]), {.activations = dtype});
        for (std::int64_t i = 0; i < n; ++i)
          REQUIRE(taken.writes.back()[i] == rounded(taken.writes[0][i], dtype));
        Step step = steps_of(n)[2];
        step.gradient = Doubles(n, NAN);
        const Outcome skipped = run(isa, sgd(op, state, step), {.activations = dtype});
        CHECK(skipped.writes[0] == state.w);
        if (has_momentum) CHECK(skipped.writes[1] == state.b);
        CHECK(skipped.writes.back() == Doubles(n, 7));
      }
}

TEST_CASE("sgd: the number of threads does not change a bit") {
  const std::int64_t n = 20011;
  for (const Isa& isa : available_isas()) {
    const Case test =
        sgd({n, 0.9f, 0.1f, true, false}, {normal(n, 1), normal(n, 2)}, steps_of(n)[3]);
    const Outcome one = run(isa, test);
    for (int n_threads : {2, 3, 5})
      check_equal_bytes(run(isa, test, {.n_threads = n_threads}), one);
  }
}

TEST_CASE("optimizer: a NaN gradient never changes weights, through norm, control and update") {
  const std::int64_t n = 501;
  Step step = steps_of(n)[0];
  step.gradient[500] = NAN;
  const AdamState state{normal(n, 1), zeros(n), zeros(n)};
  for (const Isa& isa : available_isas())
    for (bool dynamic : {false, true}) {
      const Case norm{GradientNorm{n}, {fp32(step.gradient)}, {typed(Dtype::fp64, {0})}};
      Doubles before = zeros(control::size);
      before[loss_scale] = 1024;
      step.control = run(isa, {StepControl{1, dynamic, 2000},
                               {typed(Dtype::fp64, run(isa, norm).writes[0]), fp32(before)},
                               {fp32(before)},
                               {{1, 0}}})
                         .writes[0];
      const Outcome outcome = run(isa, adamw(adamw_of(n, false), state, step));
      CHECK(outcome.writes[0] == state.w);
      CHECK(outcome.writes[1] == state.m);
      CHECK(run(isa, sgd({n, 0.9f, 0.1f, false, false}, {state.w, {}}, step)).writes[0] == state.w);
    }
}

}  // namespace
}  // namespace aforo::test
