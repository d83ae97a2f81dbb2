#pragma once
// What every kernel promises, whatever it computes, and comparisons with a reference in fp64.

#include <cmath>
#include <functional>
#include <random>

#include "tests/ops/harness.h"

namespace aforo::test {

/// fp32 unit roundoff: the relative error of one rounding.
constexpr double unit_roundoff = 0x1p-24;

/// Columns that fill no vector, part of one, several and a tail, and a real row.
constexpr std::int64_t odd_cols[] = {1, 3, 17, 33, 384};

/// Numbers as fp32 holds them, normal with this standard deviation.
inline Doubles normal(std::int64_t n, int seed, double deviation = 1, double mean = 0) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> distribution(mean, deviation);
  Doubles values(n);
  for (double& value : values) value = static_cast<float>(distribution(generator));
  return values;
}
inline Doubles zeros(std::int64_t n) { return Doubles(n, 0.0); }

/// The numbers of a row.
inline Doubles row(const Doubles& x, std::int64_t r, std::int64_t cols) {
  return Doubles(x.begin() + r * cols, x.begin() + (r + 1) * cols);
}

/// Index and error of the element that lies farthest outside `tolerance(i)`, NaN counting as
/// infinitely far.
inline void check_close(const Doubles& actual, const Doubles& expected,
                        const std::function<double(std::size_t)>& tolerance) {
  REQUIRE(actual.size() == expected.size());
  std::size_t worst = 0;
  double worst_ratio = -1;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double error = std::fabs(actual[i] - expected[i]);
    const double ratio = std::isnan(error) ? INFINITY : error == 0 ? 0 : error / tolerance(i);
    if (ratio > worst_ratio) worst_ratio = ratio, worst = i;
  }
  if (actual.empty()) return;
  CAPTURE(worst);
  CAPTURE(actual[worst]);
  CAPTURE(expected[worst]);
  CAPTURE(tolerance(worst));
  CHECK(worst_ratio <= 1);
}
inline void check_close(const Doubles& actual, const Doubles& expected, double tolerance) {
  check_close(actual, expected, [&](std::size_t) { return tolerance; });
}

inline void check_equal_bytes(const Outcome& a, const Outcome& b) {
  REQUIRE(a.bytes.size() == b.bytes.size());
  for (std::size_t i = 0; i < a.bytes.size(); ++i) {
    CAPTURE(i);
    CHECK(a.bytes[i] == b.bytes[i]);
  }
}

/// df/dx_i by central differences. With h = 1e-5 and f of order 1 in fp64 both the cut-off error
/// (h^2 f''' / 6) and the rounding error (2^-53 / h) are below 1e-9, far below fp32's 6e-8
/// relative.
inline Doubles numeric_gradient(const std::function<double(const Doubles&)>& f, Doubles x) {
  constexpr double h = 1e-5;
  Doubles gradient(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double at = x[i];
    x[i] = at + h;
    const double above = f(x);
    x[i] = at - h;
    const double below = f(x);
    x[i] = at;
    gradient[i] = (above - below) / (2 * h);
  }
  return gradient;
}

inline double dot(const Doubles& a, const Doubles& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// The result is the same bit for bit on 1, 2, 3 and 5 threads, in fp32 and in 16 bits. The case
/// must be large enough to be cut: some 64 KiB of traffic per part.
inline void check_threads(const Case& test) {
  for (const Isa& isa : available_isas())
    for (Dtype dtype : {Dtype::fp32, Dtype::bf16}) {
      CAPTURE(isa.name);
      CAPTURE(name_of(dtype));
      const Outcome one = run(isa, test, {.activations = dtype});
      for (int n_threads : {2, 3, 5}) {
        CAPTURE(n_threads);
        check_equal_bytes(run(isa, test, {.activations = dtype, .n_threads = n_threads}), one);
      }
    }
}

/// Every pair of `in_place_pairs` gives the same bits as operands apart.
inline void check_in_place(const Case& test) {
  const auto pairs = in_place_pairs(test.op);
  REQUIRE(!pairs.empty());
  for (const Isa& isa : available_isas())
    for (Dtype dtype : {Dtype::fp32, Dtype::bf16, Dtype::fp16})
      for (const InPlacePair& pair : pairs) {
        CAPTURE(isa.name);
        CAPTURE(name_of(dtype));
        CAPTURE(pair.read);
        Case in_place = test;
        in_place.shared.push_back(pair);
        check_equal_bytes(run(isa, in_place, {.activations = dtype}),
                          run(isa, test, {.activations = dtype}));
      }
}

/// The op in bf16 and fp16 equals the op in fp32 on the same (rounded) inputs, its result rounded:
/// arithmetic is fp32 in both, so results differ by at most one rounding, 1 ulp of the 16-bit type.
/// Where large terms cancel, the fp32 arithmetic itself (contracted differently per type) is off by
/// 2^-24 of its terms, which are about as large as the largest result: 2^-23 of that is added, and
/// matters only for results that are subnormal in fp16; results in fp32 by `fp32_tolerance`,
/// relative to the largest of their operand (0: not at all).
inline void check_16_bit(const Case& test, double fp32_tolerance = 0) {
  for (const Isa& isa : available_isas())
    for (Dtype dtype : {Dtype::bf16, Dtype::fp16}) {
      CAPTURE(isa.name);
      CAPTURE(name_of(dtype));
      Case same = test;
      for (auto* side : {&same.reads, &same.writes})
        for (Operand& operand : *side)
          if (operand.is_activation)
            for (double& value : operand.values) value = rounded(value, dtype);
      const Outcome exact = run(isa, same), half = run(isa, test, {.activations = dtype});
      for (std::size_t w = 0; w < test.writes.size(); ++w) {
        CAPTURE(w);
        double largest = 0;
        for (double value : exact.writes[w]) largest = std::max(largest, std::fabs(value));
        check_close(half.writes[w], exact.writes[w], [&](std::size_t i) {
          return test.writes[w].is_activation
                     ? ulp(exact.writes[w][i], format_of(dtype)) + std::ldexp(largest, -23)
                     : fp32_tolerance * largest;
        });
      }
    }
}

}  // namespace aforo::test
