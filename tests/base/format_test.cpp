#include "planner/base/format.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

namespace aforo {

TEST_CASE("format: sizes are GiB from one GiB on, and smaller units below") {
  CHECK(format_bytes(Bytes(131 * gibi + gibi / 4)) == "131.2 GiB");
  CHECK(format_bytes(Bytes(gibi * 9 + gibi / 16 * 9)) == "9.56 GiB");
  CHECK(format_bytes(Bytes(5 * mebi / 2)) == "2.5 MiB");
  CHECK(format_bytes(Bytes(1536)) == "1.5 KiB");
  CHECK(format_bytes(Bytes(17)) == "17 B");
  CHECK(format_bytes(Bytes(-3 * mebi)) == "-3.0 MiB");
}

TEST_CASE("format: rounding never prints 1024 of a smaller unit") {
  CHECK(format_bytes(Bytes(gibi - 1)) == "1.00 GiB");
  CHECK(format_bytes(Bytes(mebi - 1)) == "1.0 MiB");
  CHECK(format_bytes(Bytes(1023)) == "1023 B");
}

TEST_CASE("format: times are in the unit people use") {
  CHECK(format_time(Seconds(2.5e-6)) == "2.5 us");
  CHECK(format_time(Seconds(0.0123)) == "12.3 ms");
  CHECK(format_time(Seconds(1.234)) == "1.23 s");
  CHECK(format_time(Seconds(0.99999)) == "1 s");
  CHECK(format_time(Seconds(600)) == "10.0 min");
  CHECK(format_time(Seconds(5.1 * 3600)) == "5.1 h");
  CHECK(format_time(Seconds(12.4 * 86400)) == "12.4 days");
  CHECK(format_time(Seconds(-2)) == "-2 s");
}

TEST_CASE("format: counts are grouped in threes") {
  CHECK(format_count(8'030'261'248) == "8,030,261,248");
  CHECK(format_count(999) == "999");
  CHECK(format_count(1000) == "1,000");
  CHECK(format_count(-123456) == "-123,456");
  CHECK(format_count(std::numeric_limits<std::int64_t>::min()) == "-9,223,372,036,854,775,808");
}

TEST_CASE("format: rates have three digits and a prefix") {
  CHECK(format_rate(FlopsPerSecond(989.4e12)) == "989 TFLOP/s");
  CHECK(format_rate(FlopsPerSecond(999.7e9)) == "1 TFLOP/s");
  CHECK(format_rate(BytesPerSecond(3.35e12)) == "3.35 TB/s");
  CHECK(format_rate(BytesPerSecond(12)) == "12 B/s");
}

TEST_CASE("format: dollars show cents up to ten thousand, and two digits below ten cents") {
  CHECK(format_dollars(Dollars(0.0042)) == "$0.0042");
  CHECK(format_dollars(Dollars(0.5)) == "$0.50");
  CHECK(format_dollars(Dollars(48.2)) == "$48.20");
  CHECK(format_dollars(Dollars(1234.567)) == "$1,234.57");
  CHECK(format_dollars(Dollars(5'576'000)) == "$5,576,000");
  CHECK(format_dollars(Dollars(0)) == "$0.00");
  CHECK(format_dollars(Dollars(-3.5)) == "-$3.50");
}

}  // namespace aforo
