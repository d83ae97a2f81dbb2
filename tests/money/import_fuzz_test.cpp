// Catalogues broken at random: whatever the bytes, an InputError or offers that are sane.

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "planner/money/catalogue.h"
#include "tests/base/mutate.h"

namespace aforo::money {
namespace {

const std::string sky_rows =
    "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,"
    "AvailabilityZone\n"
    "p4d.24xlarge,A100,8,96,1152,\"{'Gpus': [{'MemoryInfo': {'SizeInMiB': 40960}}]}\",21.95,8.1,"
    "us-east-1,us-east-1a\n"
    "g6.xlarge,L4,1,4,16,,0.8,0.3,us-east-1,us-east-1b\n";
const std::string gpuhunt_rows =
    "provider,instance_name,location,price,cpu,memory,gpu_count,gpu_name,gpu_memory,spot\n"
    "runpod,a,EU,0.34,8,60,1,RTX4090,24,False\nrunpod,b,EU,0.2,8,60,1,L4,24,True\n";
const std::string plain_rows =
    "provider,region,accelerator,count,kind,price_usd_per_hour,as_of,source\n"
    "me,any,rtx-4090,2,community,0.8,2026-08-01,\"a \"\"quoted\"\" "
    "source\"\nme,any,l4,1,spot,0.2,,\n";
const std::string vast_list =
    R"({"offers": [{"id": 12, "num_gpus": 2, "gpu_name": "RTX 4090", "gpu_ram": 24564,
    "dph_base": 0.8, "dph_total": 0.82, "min_bid": 0.5, "is_bid": false, "storage_cost": 0.2,
    "inet_up_cost": 0.01, "geolocation": "SE", "verification": "verified", "rentable": true}]})";

/// Reads a text; what is accepted must be usable.
void check_import(const std::string& text, const OfferCheck& check) {
  const Import import = import_offers(text, "aws/vms.csv", {"", "", "2026-08-23"}, check);
  CHECK(import.left_out.size() <= most_left_out);
  for (const Offer& offer : import.offers) {
    CHECK(std::isfinite(offer.price.value));
    CHECK(offer.price.value > 0);
    CHECK(offer.price.value < 10000);
    CHECK(offer.count >= 1);
    CHECK_FALSE(offer.provider.empty());
    CHECK_FALSE(offer.accelerator.empty());
  }
  const Import again = import_offers(write_price_csv(import.offers), "again.csv",
                                     {"plain", "", "2026-08-23"}, check);
  CHECK(again.offers.size() == import.offers.size());
}

/// Many edits leave the header whole and break one row: not an error, but a report.
void check_broken_catalogues(const std::string& text, std::uint64_t seed, int n) {
  const OfferCheck check = default_check();
  test::Mutator mutated(seed);
  int harmed = 0;
  for (int i = 0; i < n; ++i) {
    const std::string broken = mutated(text);
    try {
      check_import(broken, check);
    } catch (const InputError& error) {
      ++harmed;
      CHECK(std::string_view(error.what()).find('\n') == std::string_view::npos);
    }
  }
  CHECK(harmed > 0);
}

}  // namespace

TEST_CASE("fuzz import: a broken SkyPilot catalogue") {
  check_broken_catalogues(sky_rows, 81, 800);
}
TEST_CASE("fuzz import: a broken gpuhunt catalogue") {
  check_broken_catalogues(gpuhunt_rows, 82, 800);
}
TEST_CASE("fuzz import: a broken plain catalogue") { check_broken_catalogues(plain_rows, 83, 800); }
TEST_CASE("fuzz import: a broken list of Vast's") { check_broken_catalogues(vast_list, 84, 800); }

/// Minutes with sanitizers: aforo_money_tests --no-skip -tc="*a million*".
TEST_CASE("fuzz import: a million broken catalogues" * doctest::skip()) {
  check_broken_catalogues(sky_rows, 181, 250'000);
  check_broken_catalogues(gpuhunt_rows, 182, 250'000);
  check_broken_catalogues(plain_rows, 183, 250'000);
  check_broken_catalogues(vast_list, 184, 250'000);
}

TEST_CASE("fuzz import: random bytes") {
  const OfferCheck check = default_check();
  std::mt19937_64 random(85);
  for (int i = 0; i < 1000; ++i) {
    std::string bytes = i % 2 == 0 ? "" : "provider,accelerator,price\n";
    for (std::size_t n = random() % 200; n > 0; --n) bytes += static_cast<char>(random());
    try {
      check_import(bytes, check);
    } catch (const InputError&) {
    }
  }
}

TEST_CASE(
    "fuzz import: thousands of open quotes are refused row by row, in time that grows with them") {
  std::string text = "provider,accelerator,price\n";
  for (int i = 0; i < 20000; ++i) text += "\"me,l4,1\n";
  const Import import = import_offers(text, "f.csv", {"", "", "2026-08-23"}, default_check());
  CHECK(import.offers.empty());
  CHECK(import.n_all_left_out() == 20000);
  CHECK(import.left_out.size() == most_left_out);
}

}  // namespace aforo::money
