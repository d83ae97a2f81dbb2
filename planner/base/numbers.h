#pragma once
// Whole texts as numbers, independent of the locale: nothing before, nothing after, nothing that is
// not finite.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace aforo {

std::optional<std::int64_t> parse_integer(std::string_view text);   ///< "-12"; not "+12", "1e3"
std::optional<std::uint64_t> parse_natural(std::string_view text);  ///< "12"
std::optional<double> parse_number(std::string_view text);          ///< "12", "-1.5e-3"; not "nan"

/// "2026-08-23": four, two and two digits, month and day in range.
bool is_date(std::string_view text);

/// "1 to 64", "at least 1", "at most 64" for a range whose ends may be those of the type.
std::string range_text(std::int64_t low, std::int64_t high);

}  // namespace aforo
