#include "planner/base/error.h"
#include "tests/ops/claims.h"

namespace aforo::test {
namespace {

constexpr double epsilon = 1e-5f;

/// What a norm consists of.
struct Kind {
  bool layer;  ///< LayerNorm, else RmsNorm
  bool weight, bias;
};
constexpr Kind kinds[] = {{true, true, true},   {true, true, false},  {true, false, true},
                          {true, false, false}, {false, true, false}, {false, false, false}};

struct Stats {
  double mean, rstd;
};

Stats stats_of(Kind kind, const Doubles& x) {
  const double n = static_cast<double>(x.size());
  double mean = 0, square = 0;
  if (kind.layer)
    for (double v : x) mean += v / n;
  for (double v : x) square += (v - mean) * (v - mean) / n;
  return {mean, 1 / std::sqrt(square + epsilon)};
}

/// One row, in fp64.
Doubles reference(Kind kind, const Doubles& x, const Doubles& weight, const Doubles& bias) {
  const Stats stats = stats_of(kind, x);
  Doubles y(x.size());
  for (std::size_t c = 0; c < x.size(); ++c)
    y[c] = (x[c] - stats.mean) * stats.rstd * (kind.weight ? weight[c] : 1) +
           (kind.bias ? bias[c] : 0);
  return y;
}

/// The fp32 statistics that the forward pass would have saved.
struct Saved {
  Doubles mean, rstd;
};
Saved saved_of(Kind kind, const Doubles& x, std::int64_t rows, std::int64_t cols) {
  Saved saved;
  for (std::int64_t r = 0; r < rows; ++r) {
    const Stats stats = stats_of(kind, row(x, r, cols));
    saved.mean.push_back(stats.mean);
    saved.rstd.push_back(stats.rstd);
  }
  return saved;
}

Case forward(Kind kind, std::int64_t rows, std::int64_t cols, double mean = 0.5) {
  Case test;
  test.reads = {activation(normal(rows * cols, 1, 1, mean))};
  if (kind.weight) test.reads.push_back(fp32(normal(cols, 2, 0.3, 1)));
  if (kind.bias) test.reads.push_back(fp32(normal(cols, 3)));
  test.writes = {activation(zeros(rows * cols))};
  if (kind.layer) {
    test.op = LayerNorm{rows, cols, static_cast<float>(epsilon), kind.weight, kind.bias};
    test.writes.push_back(fp32(zeros(rows)));
  } else {
    test.op = RmsNorm{rows, cols, static_cast<float>(epsilon), kind.weight};
  }
  test.writes.push_back(fp32(zeros(rows)));
  return test;
}

struct Accumulate {
  bool dx = false, weights = false;
};

Case backward(Kind kind, std::int64_t rows, std::int64_t cols, Accumulate accumulate = {}) {
  const Doubles x = normal(rows * cols, 1, 1, 0.5);
  const Saved saved = saved_of(kind, x, rows, cols);
  Case test;
  test.reads = {activation(normal(rows * cols, 4)), activation(x)};
  if (kind.layer) test.reads.push_back(fp32(saved.mean));
  test.reads.push_back(fp32(saved.rstd));
  if (kind.weight) test.reads.push_back(fp32(normal(cols, 2, 0.3, 1)));
  const auto target = [&](Operand before, bool accumulated) {
    test.writes.push_back(before);
    if (!accumulated) return;
    test.reads.push_back(before);
    test.shared.push_back(
        {static_cast<int>(test.reads.size()) - 1, static_cast<int>(test.writes.size()) - 1});
  };
  target(activation(normal(rows * cols, 5)), accumulate.dx);
  if (kind.weight) target(fp32(normal(cols, 6)), accumulate.weights);
  if (kind.bias) target(fp32(normal(cols, 7)), accumulate.weights);
  if (kind.layer)
    test.op =
        LayerNormBackward{rows, cols, kind.weight, kind.bias, accumulate.dx, accumulate.weights};
  else
    test.op = RmsNormBackward{rows, cols, kind.weight, accumulate.dx, accumulate.weights};
  return test;
}

const Doubles& weight_of(Kind kind, const Case& backward) {
  return backward.reads[kind.layer ? 4 : 3].values;
}

template <typename Check>
void for_all(Check check) {
  for (const Kind& kind : kinds)
    for (std::int64_t cols : odd_cols) {
      CAPTURE(kind.layer);
      CAPTURE(kind.weight);
      CAPTURE(kind.bias);
      CAPTURE(cols);
      check(kind, cols);
    }
}

TEST_CASE("norm: y, mean and rstd equal the definition in fp64") {
  for_all([](Kind kind, std::int64_t cols) {
    const std::int64_t rows = 3;
    const Case test = forward(kind, rows, cols);
    const Doubles& x = test.reads[0].values;
    const Doubles weight = kind.weight ? test.reads[1].values : Doubles{};
    const Doubles bias = kind.bias ? test.reads.back().values : Doubles{};
    for (const Isa& isa : available_isas()) {
      CAPTURE(isa.name);
      const Outcome outcome = run(isa, test);
      for (std::int64_t r = 0; r < rows; ++r) {
        const Stats stats = stats_of(kind, row(x, r, cols));
        // A lane adds at most 384 / 16 = 24 numbers (4 lanes, 4 chains), then 4 more levels: a sum
        // is off by at most 28 roundings of its absolute terms, here of order 1. x - mean inherits
        // that, rstd divides by it.
        const double tolerance = 32 * unit_roundoff;
        check_close(row(outcome.writes[0], r, cols), reference(kind, row(x, r, cols), weight, bias),
                    [&](std::size_t c) {
                      const double scale = kind.weight ? std::fabs(weight[c]) : 1;
                      const double size = std::fabs(x[r * cols + c] - stats.mean) + 1;
                      // With one column x - mean is 0 and rstd 316: the rounding of the mean is all
                      // there is.
                      return 4 * tolerance * scale * size * std::fmax(1, stats.rstd) + tolerance;
                    });
        if (kind.layer) CHECK(std::fabs(outcome.writes[1][r] - stats.mean) <= tolerance);
        CHECK(std::fabs(outcome.writes.back()[r] / stats.rstd - 1) <= 4 * tolerance);
      }
    }
  });
}

TEST_CASE("norm: a row far from zero keeps its variance") {
  const Kind kind{true, false, false};
  const Case test = forward(kind, 1, 384, 1000);
  const Doubles expected = reference(kind, test.reads[0].values, {}, {});
  // mean(x^2) - mean^2 in fp32 would lose 1000^2 = 2^20 of 2^24. The mean is off by 1000 * 28
  // roundings at most, and moves every y alike.
  for (const Isa& isa : available_isas())
    check_close(run(isa, test).writes[0], expected, 32 * 1000 * unit_roundoff);
}

TEST_CASE("norm_backward: dx equals finite differences") {
  for_all([](Kind kind, std::int64_t cols) {
    const Case test = backward(kind, 1, cols);
    const Doubles &dy = test.reads[0].values, &x = test.reads[1].values;
    const Doubles weight = kind.weight ? weight_of(kind, test) : Doubles{};
    const Doubles bias = zeros(cols);
    const double rstd = stats_of(kind, x).rstd;
    // One column is degenerate in LayerNorm: y does not depend on x, and differences see only
    // rounding times rstd.
    const Doubles expected =
        kind.layer && cols == 1
            ? zeros(1)
            : numeric_gradient(
                  [&](const Doubles& v) { return dot(dy, reference(kind, v, weight, bias)); }, x);
    for (const Isa& isa : available_isas()) {
      CAPTURE(isa.name);
      // dx is rstd times three terms of order |g| <= 4 * 2, each with some 32 roundings from the
      // sums behind it; the differences of a sum of up to 384 terms of order 1 are good to 1e-8
      // times the third derivative, of order rstd^3.
      check_close(run(isa, test).writes[0], expected,
                  rstd * 8 * 32 * unit_roundoff + 1e-8 * std::fmax(1, rstd * rstd * rstd));
    }
  });
}

TEST_CASE("norm_backward: weight gradients equal their definition in fp64") {
  for_all([](Kind kind, std::int64_t cols) {
    if (!kind.weight && !kind.bias) return;
    const std::int64_t rows = 77;
    const Case test = backward(kind, rows, cols);
    const Doubles &dy = test.reads[0].values, &x = test.reads[1].values;
    Doubles dweight = zeros(cols), dbias = zeros(cols), size = zeros(cols);
    for (std::int64_t r = 0; r < rows; ++r) {
      const Stats stats = stats_of(kind, row(x, r, cols));
      for (std::int64_t c = 0; c < cols; ++c) {
        const double d = dy[r * cols + c], xhat = (x[r * cols + c] - stats.mean) * stats.rstd;
        dweight[c] += d * xhat;
        dbias[c] += d;
        size[c] += std::fabs(d) * (std::fabs(xhat) + stats.rstd);
      }
    }
    for (const Isa& isa : available_isas()) {
      CAPTURE(isa.name);
      const Outcome outcome = run(isa, test);
      // A block adds 20 rows (77 rows in 4 blocks), then 4 blocks: 24 roundings of the absolute
      // terms. xhat adds 4 more, and the saved mean, rounded to fp32, moves it by rstd roundings.
      const auto tolerance = [&](std::size_t c) { return 32 * unit_roundoff * size[c]; };
      if (kind.weight) check_close(outcome.writes[1], dweight, tolerance);
      if (kind.bias) check_close(outcome.writes.back(), dbias, tolerance);
    }
  });
}

TEST_CASE("norm_backward: accumulating adds to what is there") {
  for_all([](Kind kind, std::int64_t cols) {
    const Case fresh = backward(kind, 40, cols), added = backward(kind, 40, cols, {true, true});
    for (const Isa& isa : available_isas()) {
      CAPTURE(isa.name);
      const Outcome a = run(isa, fresh), b = run(isa, added);
      for (std::size_t w = 0; w < a.writes.size(); ++w) {
        Doubles expected = a.writes[w];
        for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += fresh.writes[w].values[i];
        // One more rounding of the sum, or (fused) one fewer of the product before it.
        check_close(b.writes[w], expected, [&](std::size_t i) {
          return 2 * unit_roundoff *
                 (std::fabs(a.writes[w][i]) + std::fabs(fresh.writes[w].values[i]));
        });
      }
    }
  });
}

TEST_CASE("norm: bf16 and fp16 are within 1 ulp of fp32") {
  for_all([](Kind kind, std::int64_t cols) { check_16_bit(forward(kind, 3, cols)); });
}

TEST_CASE("norm_backward: bf16 and fp16 are within 1 ulp of fp32") {
  for_all([](Kind kind, std::int64_t cols) {
    check_16_bit(backward(kind, 19, cols));
    check_16_bit(backward(kind, 19, cols, {true, true}));
  });
}

TEST_CASE("norm: the number of threads does not change a bit") {
  for (const Kind& kind : kinds) check_threads(forward(kind, 401, 129));
}

TEST_CASE("norm_backward: the number of threads does not change a bit") {
  for (const Kind& kind : kinds) {
    check_threads(backward(kind, 401, 129));
    check_threads(backward(kind, 401, 129, {true, true}));
  }
}

TEST_CASE("norm: in place equals out of place") {
  for (const Kind& kind : kinds) check_in_place(forward(kind, 5, 33));
}

TEST_CASE("norm_backward: in place equals out of place") {
  for (const Kind& kind : kinds) check_in_place(backward(kind, 40, 33));
}

TEST_CASE("norm_backward: a workspace that holds one block is enough, a smaller one is refused") {
  const std::int64_t cols = 384;
  const Case test = backward({true, true, true}, 77, cols);
  for (const Isa& isa : available_isas()) {
    const Outcome large = run(isa, test), small = run(isa, test, {.workspace = 2 * cols * 4});
    // The same sums in another order: 77 roundings at most.
    for (int w : {1, 2}) check_close(small.writes[w], large.writes[w], 77 * 4 * 4 * unit_roundoff);
    CHECK_THROWS_WITH_AS(
        run(isa, test, {.workspace = 2 * cols * 4 - 4}),
        "layer_norm_backward: the workspace does not hold a row of weight gradients",
        InternalError);
  }
}

}  // namespace
}  // namespace aforo::test
