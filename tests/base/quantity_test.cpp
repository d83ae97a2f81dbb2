#include "planner/base/quantity.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

namespace aforo {

TEST_CASE("quantity: GB is 10^9 bytes and GiB is 2^30") {
  CHECK(parse_bytes("80 GB") == Bytes(80'000'000'000));
  CHECK(parse_bytes("131 GiB") == Bytes(131 * gibi));
  CHECK(parse_bytes("24564MiB") == Bytes(24564 * mebi));
  CHECK(parse_bytes("1.5 kB") == Bytes(1500));
  CHECK(parse_bytes("17 B") == Bytes(17));
}

TEST_CASE("quantity: a size needs a unit, and only one that says which giga it is") {
  for (const char* text : {"141", "80 G", "80 gb", "GB", "", " ", "-1 GB", "nan GB", "inf GB",
                           "1e30 TB", "80 GB x", "0x10 GB", "80 GB/s", "1,5 GB"})
    CHECK_MESSAGE(!parse_bytes(text), text);
}

TEST_CASE("quantity: rates, times, prices and powers are read in their own units only") {
  CHECK(parse_bandwidth("3.35 TB/s")->value == doctest::Approx(3.35e12));
  CHECK(parse_flops_rate("989 TFLOP/s")->value == doctest::Approx(989e12));
  CHECK(parse_flops_rate("1.5 PFLOP/s")->value == doctest::Approx(1.5e15));
  CHECK(parse_seconds("1.5 us")->value == doctest::Approx(1.5e-6));
  CHECK(parse_seconds("36 h")->value == doctest::Approx(36 * 3600));
  CHECK(parse_seconds("2 days")->value == doctest::Approx(2 * 86400));
  CHECK(parse_hourly_price("0.22 USD/h")->value == doctest::Approx(0.22));
  CHECK(parse_watts("450 W")->value == doctest::Approx(450));
  CHECK(parse_watts("1.2 kW")->value == doctest::Approx(1200));
  CHECK_FALSE(parse_bandwidth("3.35 TB"));
  CHECK_FALSE(parse_flops_rate("989 TFLOPS"));
  CHECK_FALSE(parse_seconds("3 m"));
  CHECK_FALSE(parse_hourly_price("0.22"));
  CHECK_FALSE(parse_hourly_price("0.22 EUR/h"));
}

TEST_CASE("quantity: a number that a unit lifts out of range is refused, not infinite") {
  CHECK_FALSE(parse_bandwidth("1e308 TB/s"));
  CHECK_FALSE(parse_seconds("1e308 days"));
  CHECK_FALSE(parse_count("1e308T"));
}

TEST_CASE("quantity: counts take suffixes and grouped digits") {
  CHECK(parse_count("2e12") == 2e12);
  CHECK(parse_count("300B") == 300e9);
  CHECK(parse_count("15.6 T") == doctest::Approx(15.6e12));
  CHECK(parse_count("1_000_000") == 1e6);
  CHECK(parse_count("1,000,000") == 1e6);
  CHECK(parse_count("2k") == 2000);
}

TEST_CASE("quantity: a comma that groups no thousands is refused, since it may mean a fraction") {
  for (const char* text : {"1,5", "1,5000", ",500", "1,", "1,,000", "_1", "1_", "1e_3", "B", ""})
    CHECK_MESSAGE(!parse_count(text), text);
}

TEST_CASE("quantity: written sizes are exact and choose a unit that divides them") {
  CHECK(write_bytes(Bytes(24564 * mebi)) == "24564 MiB");
  CHECK(write_bytes(Bytes(80'000'000'000)) == "80 GB");
  CHECK(write_bytes(Bytes(3 * gibi)) == "3 GiB");
  CHECK(write_bytes(Bytes(17)) == "17 B");
  CHECK(write_bytes(Bytes(0)) == "0 B");
}

TEST_CASE("quantity: what is written reads back, sizes exactly and rates within 1e-6") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    const Bytes bytes(static_cast<std::int64_t>(random() >> (2 + random() % 60)));
    REQUIRE(parse_bytes(write_bytes(bytes)) == bytes);
    const double value = std::exp2(static_cast<double>(random() % 1000) / 20.0 - 5);
    const auto close = [&](double got) { return std::abs(got - value) <= 1e-6 * value; };
    REQUIRE(close(parse_bandwidth(write_bandwidth(BytesPerSecond(value)))->value));
    REQUIRE(close(parse_flops_rate(write_flops_rate(FlopsPerSecond(value)))->value));
    REQUIRE(close(parse_seconds(write_seconds(Seconds(value)))->value));
  }
}

}  // namespace aforo
