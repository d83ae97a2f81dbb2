#include "planner/base/format.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <string_view>

namespace aforo {
namespace {

/// Three significant digits at most, in the largest of units that are a factor 1000 apart.
std::string in_thousands(double value, std::string_view unit) {
  constexpr std::string_view prefixes[] = {"", "k", "M", "G", "T", "P", "E"};
  std::size_t i = 0;
  // 999.5 would print as 1000 (1e+03 with three digits), so it moves on too.
  while (std::abs(value) >= 999.5 && i + 1 < std::size(prefixes)) {
    value /= 1000;
    ++i;
  }
  return fmt::format("{:.3g} {}{}", value, prefixes[i], unit);
}

}  // namespace

std::string format_bytes(Bytes bytes) {
  const double size = std::abs(static_cast<double>(bytes.value));
  const char* sign = bytes.value < 0 ? "-" : "";
  if (size < kibi) return fmt::format("{}{:.0f} B", sign, size);
  // The bounds are where one more rounding step would reach 1024 of the smaller unit.
  if (size < 1023.95 * kibi) return fmt::format("{}{:.1f} KiB", sign, size / kibi);
  if (size < 1023.95 * mebi) return fmt::format("{}{:.1f} MiB", sign, size / mebi);
  const double gib = size / gibi;
  return fmt::format("{}{:.{}f} GiB", sign, gib, gib < 99.995 ? 2 : 1);
}

std::string format_time(Seconds time) {
  const double s = time.value;
  if (s < 0) return "-" + format_time(Seconds(-s));
  if (s < 0.9995e-3) return fmt::format("{:.3g} us", s * 1e6);
  if (s < 0.9995) return fmt::format("{:.3g} ms", s * 1e3);
  if (s < 119.5) return fmt::format("{:.3g} s", s);
  if (s < 7197) return fmt::format("{:.1f} min", s / 60);
  if (s < 172620) return fmt::format("{:.1f} h", s / 3600);
  return fmt::format("{:.1f} days", s / 86400);
}

std::string format_count(std::int64_t count) {
  std::string digits = fmt::format("{}", count);
  const int first = count < 0 ? 1 : 0;
  for (int i = static_cast<int>(digits.size()) - 3; i > first; i -= 3) digits.insert(i, ",");
  return digits;
}

std::string format_rate(FlopsPerSecond rate) { return in_thousands(rate.value, "FLOP/s"); }
std::string format_rate(BytesPerSecond rate) { return in_thousands(rate.value, "B/s"); }

std::string format_dollars(Dollars amount) {
  const double value = std::abs(amount.value);
  const char* sign = amount.value < 0 ? "-" : "";
  if (value > 0 && value < 0.0995) return fmt::format("{}${:.2g}", sign, value);
  if (value < 9999.995) {
    const std::int64_t cents = std::llround(value * 100);
    return fmt::format("{}${}.{:02}", sign, format_count(cents / 100), cents % 100);
  }
  if (value < 1e15) return fmt::format("{}${}", sign, format_count(std::llround(value)));
  return fmt::format("{}${:.3g}", sign, value);
}

}  // namespace aforo
