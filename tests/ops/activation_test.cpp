#include <numbers>

#include "tests/ops/claims.h"

namespace aforo::test {
namespace {

constexpr ActivationKind kinds[] = {
    ActivationKind::gelu, ActivationKind::gelu_tanh, ActivationKind::relu, ActivationKind::relu2,
    ActivationKind::silu, ActivationKind::swiglu,    ActivationKind::geglu};

double curve(ActivationKind kind, double x) {
  const double relu = x > 0 ? x : 0;
  switch (kind) {
    case ActivationKind::gelu:
      return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2));
    case ActivationKind::geglu:
    case ActivationKind::gelu_tanh:
      return 0.5 * x *
             (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case ActivationKind::relu:
      return relu;
    case ActivationKind::relu2:
      return relu * relu;
    case ActivationKind::silu:
    case ActivationKind::swiglu:
      return x / (1 + std::exp(-x));
  }
  return 0;
}

/// Input elements per output element.
int width_of(ActivationKind kind) { return is_gated(kind) ? 2 : 1; }

Doubles reference(ActivationKind kind, const Doubles& x, std::int64_t cols) {
  const int width = width_of(kind);
  Doubles y(x.size() / width);
  for (std::size_t i = 0; i < y.size(); ++i) {
    const std::size_t gate = i / cols * cols * width + i % cols;
    y[i] = curve(kind, x[gate]) * (is_gated(kind) ? x[gate + cols] : 1);
  }
  return y;
}

/// Not within 1e-3 of 0, where relu has no derivative.
Doubles inputs(std::int64_t n, int seed) {
  Doubles x = normal(n, seed, 2);
  for (double& value : x)
    if (std::fabs(value) < 1e-3) value = 1e-3;
  return x;
}

Case forward(ActivationKind kind, std::int64_t rows, std::int64_t cols) {
  return {Activation{rows, cols, kind},
          {activation(inputs(rows * cols * width_of(kind), 1))},
          {activation(zeros(rows * cols))}};
}

Case backward(ActivationKind kind, std::int64_t rows, std::int64_t cols) {
  const std::int64_t width = cols * width_of(kind);
  return {ActivationBackward{rows, cols, kind},
          {activation(normal(rows * cols, 2)), activation(inputs(rows * width, 1))},
          {activation(zeros(rows * width))}};
}

template <typename Check>
void for_all(Check check) {
  for (ActivationKind kind : kinds)
    for (std::int64_t cols : odd_cols) {
      CAPTURE(static_cast<int>(kind));
      CAPTURE(cols);
      check(kind, cols);
    }
}

TEST_CASE("activation: equals the function in fp64") {
  for_all([](ActivationKind kind, std::int64_t cols) {
    const Case test = forward(kind, 3, cols);
    const Doubles &x = test.reads[0].values, expected = reference(kind, x, cols);
    for (const Isa& isa : available_isas()) {
      CAPTURE(isa.name);
      // erf and exp are within 3 ulp, their argument and the rest add 4 roundings; what they give
      // is below 1 and is multiplied by x (and by up, or by x again in relu2).
      check_close(run(isa, test).writes[0], expected, [&](std::size_t i) {
        const std::size_t gate = i / cols * cols * width_of(kind) + i % cols;
        const double other = is_gated(kind)                  ? x[gate + cols]
                             : kind == ActivationKind::relu2 ? x[gate]
                                                             : 1;
        return 8 * unit_roundoff * std::fabs(x[gate] * other);
      });
    }
  });
}

TEST_CASE("activation_backward: equals finite differences of the function") {
  for_all([](ActivationKind kind, std::int64_t cols) {
    const Case test = backward(kind, 1, cols);
    const Doubles &dy = test.reads[0].values, &x = test.reads[1].values;
    const Doubles expected =
        numeric_gradient([&](const Doubles& v) { return dot(dy, reference(kind, v, cols)); }, x);
    for (const Isa& isa : available_isas()) {
      CAPTURE(isa.name);
      // The slope is a sum of two terms of order 1 (of order x in relu2), each as good as the value
      // above; 1e-8 for the differences, whose rounding error grows with the sum over the row (up
      // to some 384 terms of order 1).
      check_close(run(isa, test).writes[0], expected, [&](std::size_t i) {
        const std::size_t at = i % cols;
        const double factors =
            std::fabs(dy[at]) * (is_gated(kind) ? std::fabs(x[at]) + std::fabs(x[at + cols]) : 1);
        return 16 * unit_roundoff * factors * (1 + std::fabs(x[at])) + 1e-8;
      });
    }
  });
}

TEST_CASE("activation: bf16 and fp16 are within 1 ulp of fp32") {
  for_all([](ActivationKind kind, std::int64_t cols) { check_16_bit(forward(kind, 3, cols)); });
}

TEST_CASE("activation_backward: bf16 and fp16 are within 1 ulp of fp32") {
  for_all([](ActivationKind kind, std::int64_t cols) { check_16_bit(backward(kind, 3, cols)); });
}

TEST_CASE("activation: the number of threads does not change a bit") {
  for (ActivationKind kind : kinds) check_threads(forward(kind, 401, 129));
}

TEST_CASE("activation_backward: the number of threads does not change a bit") {
  for (ActivationKind kind : kinds) check_threads(backward(kind, 401, 129));
}

TEST_CASE("activation: in place equals out of place unless gated") {
  for (ActivationKind kind : kinds)
    if (!is_gated(kind)) check_in_place(forward(kind, 5, 33));
}

TEST_CASE("activation_backward: in place equals out of place") {
  for (ActivationKind kind : kinds) check_in_place(backward(kind, 5, 33));
}

TEST_CASE("activation: NaN comes out as NaN and large inputs saturate") {
  for (ActivationKind kind : kinds) {
    CAPTURE(static_cast<int>(kind));
    if (is_gated(kind)) continue;
    const Doubles x{NAN, 1e30, -1e30, 50, -50, 0};
    const Case test{Activation{1, 6, kind}, {activation(x)}, {activation(zeros(6))}};
    const Case back{ActivationBackward{1, 6, kind},
                    {activation(Doubles(6, 1.0)), activation(x)},
                    {activation(zeros(6))}};
    for (const Isa& isa : available_isas()) {
      const Doubles y = run(isa, test).writes[0], slope = run(isa, back).writes[0];
      const bool squares = kind == ActivationKind::relu2;
      CHECK(std::isnan(y[0]));
      CHECK(y[1] == (squares ? INFINITY : static_cast<float>(1e30)));
      CHECK(std::fabs(y[2]) < 1e-20);
      CHECK(y[3] == (squares ? 2500 : 50));
      CHECK(std::fabs(y[4]) < 1e-19);
      CHECK(slope[1] == (squares ? static_cast<float>(2e30) : 1));
      CHECK(std::fabs(slope[2]) < 1e-20);
      CHECK(slope[3] == (squares ? 100 : 1));
    }
  }
}

}  // namespace
}  // namespace aforo::test
