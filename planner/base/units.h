#pragma once
// Units are types: Bytes / BytesPerSecond is Seconds, and Seconds + Bytes does not compile.
// GB is 10^9 bytes, GiB is 2^30 bytes; peaks are dense.

#include <compare>
#include <cstdint>
#include <string>

namespace aforo {

/// One physical quantity. `Tag` keeps quantities apart, `Rep` holds the number in the base unit.
template <typename Tag, typename Rep>
struct Quantity {
  Rep value{};

  constexpr Quantity() = default;
  constexpr explicit Quantity(Rep v) : value(v) {}

  constexpr auto operator<=>(const Quantity&) const = default;
  constexpr Quantity operator+(Quantity other) const { return Quantity(value + other.value); }
  constexpr Quantity operator-(Quantity other) const { return Quantity(value - other.value); }
  constexpr Quantity& operator+=(Quantity other) {
    value += other.value;
    return *this;
  }
  constexpr Quantity operator*(Rep factor) const { return Quantity(value * factor); }
  constexpr Quantity operator/(Rep divisor) const { return Quantity(value / divisor); }
  constexpr double operator/(Quantity other) const {
    return static_cast<double>(value) / static_cast<double>(other.value);
  }
};

using Bytes = Quantity<struct BytesTag, std::int64_t>;
using Seconds = Quantity<struct SecondsTag, double>;
using Flops = Quantity<struct FlopsTag, double>;
using BytesPerSecond = Quantity<struct BytesPerSecondTag, double>;
using FlopsPerSecond = Quantity<struct FlopsPerSecondTag, double>;
using Dollars = Quantity<struct DollarsTag, double>;
using DollarsPerHour = Quantity<struct DollarsPerHourTag, double>;
using Watts = Quantity<struct WattsTag, double>;

constexpr Seconds operator/(Bytes bytes, BytesPerSecond rate) {
  return Seconds(static_cast<double>(bytes.value) / rate.value);
}
constexpr Seconds operator/(Flops flops, FlopsPerSecond rate) {
  return Seconds(flops.value / rate.value);
}
constexpr BytesPerSecond operator/(Bytes bytes, Seconds time) {
  return BytesPerSecond(static_cast<double>(bytes.value) / time.value);
}
constexpr FlopsPerSecond operator/(Flops flops, Seconds time) {
  return FlopsPerSecond(flops.value / time.value);
}
constexpr Dollars operator*(DollarsPerHour rate, Seconds time) {
  return Dollars(rate.value * time.value / 3600.0);
}

constexpr std::int64_t kibi = 1024;
constexpr std::int64_t mebi = 1024 * kibi;
constexpr std::int64_t gibi = 1024 * mebi;

constexpr double as_gib(Bytes bytes) { return static_cast<double>(bytes.value) / gibi; }
constexpr double as_mib(Bytes bytes) { return static_cast<double>(bytes.value) / mebi; }
constexpr double as_gb(Bytes bytes) { return static_cast<double>(bytes.value) / 1e9; }

}  // namespace aforo
