#pragma once
// Quantities as people write them: a number and a unit. Numbers without a unit are refused, except
// where a count is meant.

#include <optional>
#include <string>
#include <string_view>

#include "planner/base/units.h"

namespace aforo {

/// "80 GB" (10^9), "131 GiB" (2^30), "512 B"; kB/MB/TB and KiB/MiB/TiB alike. nullopt if it is
/// anything else.
std::optional<Bytes> parse_bytes(std::string_view text);
std::optional<BytesPerSecond> parse_bandwidth(std::string_view text);   ///< "3.35 TB/s"
std::optional<FlopsPerSecond> parse_flops_rate(std::string_view text);  ///< "989 TFLOP/s"
std::optional<Seconds> parse_seconds(std::string_view text);  ///< "2.5 us", "3 ms", "4 h", "2 days"
std::optional<DollarsPerHour> parse_hourly_price(std::string_view text);  ///< "0.22 USD/h"
std::optional<Watts> parse_watts(std::string_view text);                  ///< "450 W"

/// A count with an optional suffix k, M, B or T (10^3 to 10^12), digits grouped by "_" or in threes
/// by ",": "2e12", "300M", "1_000", "15.6 T", "1,000,000"; not "1,5".
std::optional<double> parse_count(std::string_view text);

/// What to write instead, for error messages: "a size with a unit, such as "141 GB" or "131 GiB"".
constexpr std::string_view expected_bytes = "a size with a unit, such as \"141 GB\" or \"131 GiB\"";
constexpr std::string_view expected_bandwidth = "a rate with a unit, such as \"3.35 TB/s\"";
constexpr std::string_view expected_flops_rate = "a rate with a unit, such as \"989 TFLOP/s\"";
constexpr std::string_view expected_seconds = "a time with a unit, such as \"2.5 us\" or \"36 h\"";
constexpr std::string_view expected_hourly_price = "a price with a unit, such as \"0.22 USD/h\"";
constexpr std::string_view expected_watts = "a power with a unit, such as \"450 W\"";

/// The shortest exact-enough way to write them, so that parse(write(x)) is within 1e-6 of x.
std::string write_bytes(Bytes bytes);               ///< "24564 MiB", "80 GB", "17 B": exact
std::string write_bandwidth(BytesPerSecond rate);   ///< "17.66 GB/s"
std::string write_flops_rate(FlopsPerSecond rate);  ///< "99.31 GFLOP/s"
std::string write_seconds(Seconds time);            ///< "12.34 us"

}  // namespace aforo
