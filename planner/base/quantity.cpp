#include "planner/base/quantity.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

namespace aforo {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr double ki = 1024.0;

constexpr Unit byte_units[] = {{"B", 1},        {"kB", 1e3},         {"MB", 1e6},
                               {"GB", 1e9},     {"TB", 1e12},        {"KiB", ki},
                               {"MiB", ki* ki}, {"GiB", ki* ki* ki}, {"TiB", ki* ki* ki* ki}};
constexpr Unit bandwidth_units[] = {
    {"B/s", 1}, {"kB/s", 1e3}, {"MB/s", 1e6}, {"GB/s", 1e9}, {"TB/s", 1e12}};
constexpr Unit flops_units[] = {{"FLOP/s", 1},    {"kFLOP/s", 1e3},  {"MFLOP/s", 1e6},
                                {"GFLOP/s", 1e9}, {"TFLOP/s", 1e12}, {"PFLOP/s", 1e15}};
constexpr Unit time_units[] = {{"ns", 1e-9}, {"us", 1e-6},  {"ms", 1e-3},      {"s", 1},
                               {"min", 60},  {"h", 3600.0}, {"days", 86400.0}, {"d", 86400.0}};
constexpr Unit price_units[] = {{"USD/h", 1}};
constexpr Unit power_units[] = {{"W", 1}, {"kW", 1000}};
constexpr Unit count_units[] = {{"", 1},    {"k", 1e3}, {"K", 1e3},
                                {"M", 1e6}, {"B", 1e9}, {"T", 1e12}};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// A finite number >= 0 followed by one of `units`, with or without spaces between.
template <std::size_t n>
std::optional<double> parse(std::string_view text, const Unit (&units)[n]) {
  text = trimmed(text);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !std::isfinite(number) || number < 0) return std::nullopt;
  const std::string_view unit = trimmed(text.substr(end - text.data()));
  for (const Unit& known : units)
    if (known.name == unit) {
      const double value = number * known.factor;
      return std::isfinite(value) ? std::optional<double>(value) : std::nullopt;
    }
  return std::nullopt;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// `text` without the separators that group digits; nullopt if one stands elsewhere. A comma must
/// be followed by groups of three, since "1,5" is one and a half to many.
std::optional<std::string> ungrouped(std::string_view text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_' && text[i] != ',') {
      digits += text[i];
      continue;
    }
    std::size_t after = 0;
    while (i + 1 + after < text.size() && is_digit(text[i + 1 + after])) ++after;
    if (i == 0 || !is_digit(text[i - 1]) || (text[i] == ',' ? after != 3 : after == 0))
      return std::nullopt;
  }
  return digits;
}

/// Largest unit of a list in ascending order in which the value is at least 1.
template <std::size_t n>
std::string write(double value, const Unit (&units)[n]) {
  const Unit* best = &units[0];
  for (const Unit& unit : units)
    if (value >= unit.factor && unit.factor > best->factor) best = &unit;
  return fmt::format("{:.7g} {}", value / best->factor, best->name);
}

template <typename Q>
std::optional<Q> wrap(std::optional<double> value) {
  return value ? std::optional<Q>(Q(*value)) : std::nullopt;
}

}  // namespace

std::optional<Bytes> parse_bytes(std::string_view text) {
  const auto value = parse(text, byte_units);
  if (!value || *value > 9e18) return std::nullopt;
  // Whole numbers of any unit are exact, also beyond the 53 bits of a double.
  text = trimmed(text);
  std::int64_t whole = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
  const std::string_view unit = trimmed(text.substr(end - text.data()));
  if (error == std::errc())
    for (const Unit& known : byte_units)
      if (known.name == unit) return Bytes(whole * static_cast<std::int64_t>(known.factor));
  return Bytes(std::llround(*value));
}
std::optional<BytesPerSecond> parse_bandwidth(std::string_view text) {
  return wrap<BytesPerSecond>(parse(text, bandwidth_units));
}
std::optional<FlopsPerSecond> parse_flops_rate(std::string_view text) {
  return wrap<FlopsPerSecond>(parse(text, flops_units));
}
std::optional<Seconds> parse_seconds(std::string_view text) {
  return wrap<Seconds>(parse(text, time_units));
}
std::optional<DollarsPerHour> parse_hourly_price(std::string_view text) {
  return wrap<DollarsPerHour>(parse(text, price_units));
}
std::optional<Watts> parse_watts(std::string_view text) {
  return wrap<Watts>(parse(text, power_units));
}

std::optional<double> parse_count(std::string_view text) {
  const auto digits = ungrouped(trimmed(text));
  return digits ? parse(*digits, count_units) : std::nullopt;
}

std::string write_bytes(Bytes bytes) {
  constexpr std::int64_t exact[] = {gibi, 1'000'000'000, mebi, 1'000'000, kibi};
  constexpr std::string_view names[] = {"GiB", "GB", "MiB", "MB", "KiB"};
  for (int i = 0; i < 5; ++i)
    if (bytes.value > 0 && bytes.value % exact[i] == 0)
      return fmt::format("{} {}", bytes.value / exact[i], names[i]);
  return fmt::format("{} B", bytes.value);
}
std::string write_bandwidth(BytesPerSecond rate) { return write(rate.value, bandwidth_units); }
std::string write_flops_rate(FlopsPerSecond rate) { return write(rate.value, flops_units); }
std::string write_seconds(Seconds time) {
  constexpr Unit units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}};
  return write(time.value, units);
}

}  // namespace aforo
