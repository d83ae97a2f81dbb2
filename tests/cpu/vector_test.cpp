#include <functional>

#include "tests/cpu/matrix_isas.h"
#include "tests/cpu/vector_probe.h"

namespace aforo::test {
namespace {

std::vector<VectorProbe> probes() {
  std::vector<VectorProbe> result;
  for (const Isa& isa : available_isas()) {
    const std::string name = isa.name;
    result.push_back(name == "avx512" ? cpu::avx512::vector_probe
                     : name == "avx2" ? cpu::avx2::vector_probe
                                      : cpu::baseline::vector_probe);
  }
  if (available_isas().size() > 1) result.push_back(cpu::wide::vector_probe);
  return result;
}

using Floats = std::vector<float>;
using Map = void (*)(const float*, float*, std::int64_t);

/// Every bit pattern, in steps that are no multiple of anything: a million floats of every size,
/// NaN among them.
Floats all_kinds() {
  Floats x(std::int64_t{1} << 20);
  std::uint32_t bits = 0;
  for (float& f : x) {
    std::memcpy(&f, &bits, sizeof(f));
    bits += 4099;
  }
  return x;
}

Floats mapped(Map f, const Floats& x) {
  Floats y(x.size());
  f(x.data(), y.data(), static_cast<std::int64_t>(x.size()));
  return y;
}

float one(Map f, float x) { return mapped(f, Floats(16, x))[0]; }

/// Largest error in units of the last place, where the exact result is a normal number; elsewhere
/// the result must be below `flushed`, the same infinity, or NaN as well.
double worst_ulp(Map f, const std::function<double(double)>& exact, double flushed) {
  const Floats x = all_kinds(), y = mapped(f, x);
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double expected = exact(x[i]);
    const float nearest = static_cast<float>(expected);
    const double error = std::fabs(y[i] - expected);
    if (std::isnan(expected)) {
      CHECK(std::isnan(y[i]));
    } else if (std::isinf(nearest)) {
      CHECK(y[i] == nearest);
    } else if (std::fabs(expected) < 0x1p-126) {
      CHECK(error <= flushed);
    } else {
      worst = std::max(
          worst, std::isnan(error) ? INFINITY : error / std::ldexp(1.0, std::ilogb(nearest) - 23));
    }
  }
  return worst;
}

}  // namespace

TEST_CASE("vector: exp is within 2 ulp, tanh, erf and sigmoid within 3, over all floats") {
  for (const VectorProbe& probe : probes()) {
    CAPTURE(std::string(probe.name));
    CHECK(worst_ulp(
              probe.exp, [](double x) { return std::exp(x); }, 0x1p-126) <= 2);
    CHECK(worst_ulp(
              probe.tanh, [](double x) { return std::tanh(x); }, 0x1p-149) <= 3);
    CHECK(worst_ulp(
              probe.erf, [](double x) { return std::erf(x); }, 0x1p-149) <= 3);
    CHECK(worst_ulp(
              probe.sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, 0x1p-126) <= 3);
  }
}

TEST_CASE("vector: exp of the ends of its range is zero, the largest power and infinity") {
  for (const VectorProbe& probe : probes()) {
    CAPTURE(std::string(probe.name));
    CHECK(one(probe.exp, -INFINITY) == 0);
    CHECK(one(probe.exp, -88.0f) == 0);
    CHECK(one(probe.exp, 0.0f) == 1);
    CHECK(std::isfinite(one(probe.exp, 88.7228f)));
    CHECK(one(probe.exp, 88.7229f) == INFINITY);
    CHECK(one(probe.exp, INFINITY) == INFINITY);
    CHECK(std::isnan(one(probe.exp, NAN)));
  }
}

TEST_CASE("vector: every 16-bit number widens to its value and narrows back to its bits") {
  std::vector<std::uint16_t> all(1 << 16), back(1 << 16);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  for (const VectorProbe& probe : probes())
    for (Dtype dtype : {Dtype::bf16, Dtype::fp16}) {
      Floats wide(all.size());
      probe.widen(dtype, all.data(), wide.data(), 1 << 16);
      probe.narrow(dtype, wide.data(), back.data(), 1 << 16);
      int n_wrong = 0;
      for (std::size_t i = 0; i < all.size(); ++i) {
        const double value = decode_16(all[i], format_of(dtype));
        const bool right = std::isnan(value) ? std::isnan(wide[i]) &&
                                                   std::isnan(decode_16(back[i], format_of(dtype)))
                                             : wide[i] == value && back[i] == all[i];
        n_wrong += !right;
      }
      CAPTURE(std::string(probe.name));
      CAPTURE(std::string(name_of(dtype)));
      CHECK(n_wrong == 0);
    }
}

TEST_CASE("vector: narrowing rounds to nearest even, to infinity when too large, and keeps NaN") {
  const Floats x = all_kinds();
  std::vector<std::uint16_t> y(x.size());
  for (const VectorProbe& probe : probes())
    for (Dtype dtype : {Dtype::bf16, Dtype::fp16}) {
      probe.narrow(dtype, x.data(), y.data(), static_cast<std::int64_t>(x.size()));
      int n_wrong = 0;
      for (std::size_t i = 0; i < x.size(); ++i)
        n_wrong += std::isnan(x[i]) ? !std::isnan(decode_16(y[i], format_of(dtype)))
                                    : y[i] != encode_16(x[i], format_of(dtype));
      CAPTURE(std::string(probe.name));
      CAPTURE(std::string(name_of(dtype)));
      CHECK(n_wrong == 0);
    }
}

TEST_CASE("vector: sum and max run over every lane") {
  for (const VectorProbe& probe : probes())
    for (int lane = 0; lane < probe.width; ++lane) {
      CAPTURE(std::string(probe.name));
      float x[16] = {};
      x[lane] = 3;
      CHECK(probe.sum(x) == 3);
      CHECK(probe.max(x) == 3);
    }
}

}  // namespace aforo::test
