#include "planner/base/numbers.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace aforo {
namespace {

template <typename T>
std::optional<T> parse(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || last != end) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
  return parse<std::int64_t>(text);
}

std::optional<std::uint64_t> parse_natural(std::string_view text) {
  return parse<std::uint64_t>(text);
}

std::optional<double> parse_number(std::string_view text) {
  const auto value = parse<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

bool is_date(std::string_view text) {
  constexpr std::string_view form = "dddd-dd-dd";
  if (text.size() != form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i)
    if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) return false;
  const auto month = parse_integer(text.substr(5, 2)), day = parse_integer(text.substr(8, 2));
  return *month >= 1 && *month <= 12 && *day >= 1 && *day <= 31;
}

std::string range_text(std::int64_t low, std::int64_t high) {
  using Limits = std::numeric_limits<std::int64_t>;
  if (high == Limits::max()) return fmt::format("at least {}", low);
  if (low == Limits::min()) return fmt::format("at most {}", high);
  return fmt::format("{} to {}", low, high);
}

}  // namespace aforo
