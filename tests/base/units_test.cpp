#include "planner/base/units.h"

#include <doctest/doctest.h>

#include <type_traits>

namespace aforo {
namespace {

template <typename A, typename B>
concept Addable = requires(A a, B b) {
  a + b;
};

}  // namespace

TEST_CASE("units: only like quantities add") {
  static_assert(Addable<Seconds, Seconds>);
  static_assert(!Addable<Seconds, Bytes>);
  static_assert(!Addable<Bytes, double>);
  static_assert(!std::is_convertible_v<double, Seconds>);
  CHECK(Bytes(3) + Bytes(4) == Bytes(7));
}

TEST_CASE("units: bytes over a rate are seconds, and dollars an hour times an hour are dollars") {
  CHECK((Bytes(3'350'000'000'000) / BytesPerSecond(3.35e12)).value == doctest::Approx(1));
  CHECK((Flops(2e15) / FlopsPerSecond(1e15)).value == doctest::Approx(2));
  CHECK((DollarsPerHour(14) * Seconds(3600)).value == doctest::Approx(14));
  CHECK(Seconds(3) / Seconds(2) == doctest::Approx(1.5));
}

TEST_CASE("units: GB and GiB differ by 7.4 percent") {
  CHECK(as_gb(Bytes(gibi)) == doctest::Approx(1.073741824));
  CHECK(as_gib(Bytes(gibi)) == 1);
}

}  // namespace aforo
