// Price lists of others: what is read, and what is left out with which reason.

#include "planner/money/import.h"

#include <doctest/doctest.h>

#include "planner/base/error.h"
#include "planner/money/catalogue.h"
#include "planner/spec/hardware_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text.h"

namespace aforo::money {
namespace {

const OfferCheck& shipped_check() {
  static const OfferCheck check = default_check();
  return check;
}

Import imported(const std::string& text, const std::string& path = "aws/vms.csv") {
  return import_offers(text, path, {"", "", "2026-08-23"}, shipped_check());
}

int n_of(const Import& import, Fault fault) { return import.n_left_out[static_cast<int>(fault)]; }

const std::string sky_header =
    "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,"
    "AvailabilityZone\n";
const std::string plain_header = "provider,accelerator,count,kind,price_usd_per_hour\n";

/// The one row that was left out.
LeftOut only_refusal(const Import& import) {
  REQUIRE(import.left_out.size() == 1);
  return import.left_out.front();
}

}  // namespace

TEST_CASE("card names: what catalogues write finds the profile, or is told to be several cards") {
  const CardNames names(all_accelerators());
  const auto card = [&](const char* text, double memory = 0) {
    return names.find(text, memory).accelerator;
  };
  CHECK(card("RTX4090") == "rtx-4090");
  CHECK(card("NVIDIA GeForce RTX 4090") == "rtx-4090");
  CHECK(card("RTX 6000Ada") == "rtx-6000-ada");
  CHECK(card("RTX6000-Ada") == "rtx-6000-ada");
  CHECK(card("A6000") == "rtx-a6000");
  CHECK(card("A100-80GB-SXM4") == "a100-sxm-80");
  CHECK(card("A100 SXM4", 40) == "a100-sxm-40");
  CHECK(card("H100 NVL") == "h100-nvl");
  CHECK(card("Tesla V100", 16) == "v100-sxm-16");
  CHECK(card("NVIDIA H100 80GB HBM3") == "h100-sxm");
  CHECK(card("L40S") == "l40s");
  CHECK(card("MI300X") == "mi300x");
  for (const char* merged : {"A100", "A100-80GB", "H100", "V100"}) {
    CAPTURE(merged);
    CHECK(names.find(merged).merged);
  }
  CHECK(contains(names.find("A100-80GB").problem, "a100-pcie-80 or a100-sxm-80"));
  CHECK(contains(names.find("RTX 9999").problem, "no profile"));
  CHECK(contains(names.find("RTX 4090", 48).problem, "48 GB is no rtx-4090"));
}

TEST_CASE("card names: every profile's own name finds it") {
  const std::vector<AcceleratorSpec> cards = all_accelerators();
  const CardNames names(cards);
  for (const AcceleratorSpec& spec : cards) CHECK(names.find(spec.name).accelerator == spec.name);
}

TEST_CASE("import skypilot: on demand and spot of one row; machines settle merged names") {
  const Import import = imported(
      sky_header +
      "p4d.24xlarge,A100,8,96,1152,\"{'Gpus': [{'MemoryInfo': {'SizeInMiB': 40960}}]}\",21.957642,"
      "8.1,us-east-1,us-east-1a\n"
      "m5.large,,,2,8,,0.096,0.03,us-east-1,us-east-1a\n");
  CHECK(import.format == "skypilot");
  REQUIRE(import.offers.size() == 2);
  CHECK(import.offers[0].provider == "aws");
  CHECK(import.offers[0].accelerator == "a100-sxm-40");
  CHECK(import.offers[0].kind == "on_demand");
  CHECK(import.offers[0].count == 8);
  CHECK(import.offers[0].price.value == doctest::Approx(21.957642));
  CHECK(import.offers[1].kind == "spot");
  CHECK(import.offers[1].region == "us-east-1a");
  CHECK(import.n_without_accelerator == 1);
  CHECK(import.n_all_left_out() == 0);
}

TEST_CASE("import skypilot: its traps are left out, each with its line and reason") {
  const Import import = imported(sky_header +
                                 "x.large,L4,1,4,16,,700.0,,r,z\n"    // 2: no price
                                 "x.large,L4,1,4,16,,,,r,z2\n"        // 3: no price at all
                                 "x.large,L4,1,4,16,,0.8,0.9,r,z3\n"  // 4: spot above on demand
                                 "x.large,A100,1,4,16,,1.2,,r,z\n"    // 5: which A100?
                                 "x.large,TPUv99,1,4,16,,1.2,,r,z\n"  // 6: unknown
                                 "p4d.24xlarge,A100,12,96,1152,,21.9,,r,z\n"  // 7: it has 8
                                 "tpu,tpu-v5p-8,1,,,,33.6,,r,z\n"             // 8: a slice
                                 "x.large,L4,12,4,16,,8.8,,r,z\n"   // 9: nobody builds that
                                 "x.large,L4,one,4,16,,0.8,,r,z\n"  // 10: no number
                                 "x.large,L4,1,4\n");               // 11: too few fields
  REQUIRE(import.offers.size() == 1);                               // line 4's on-demand half
  CHECK(n_of(import, Fault::sentinel) == 2);
  CHECK(n_of(import, Fault::unreadable) == 3);
  CHECK(n_of(import, Fault::merged_name) == 1);
  CHECK(n_of(import, Fault::unknown_card) == 1);
  CHECK(n_of(import, Fault::count) == 3);
  const auto reason = [&](int row) {
    for (const LeftOut& out : import.left_out)
      if (out.row == row) return out.reason;
    return std::string();
  };
  CHECK(contains(reason(2), "700 stands for none"));
  CHECK(contains(reason(4), "spot at $0.9 is not below on demand at $0.8"));
  CHECK(contains(reason(5), "a100-sxm-80"));
  CHECK(contains(reason(7), "12 accelerators, but aws/p4d.24xlarge has 8"));
  CHECK(contains(reason(8), "slice"));
  CHECK(contains(reason(10), "AcceleratorCount is \"one\""));
  CHECK(contains(reason(11), "has 4 fields"));
}

TEST_CASE("import skypilot: Google's machines and accelerators of a zone are added") {
  const Import import = imported(sky_header +
                                     ",L4,1,,,,0.56,0.2,us-central1,us-central1-a\n"  // 2
                                     "g2-standard-8,,,8,32,,0.29,0.1,us-central1,us-central1-a\n"
                                     ",A100,2,,,,5.87,,us-central1,us-central1-a\n"  // 4
                                     "a2-highgpu-2g,,,24,170,,1.48,,us-central1,us-central1-a\n"
                                     ",B200,8,,,,100,,us-central1,us-central1-a\n"  // 6
                                     "a4-highgpu-8g,,,224,3968,,0.0,,us-central1,us-central1-a\n"
                                     ",T4,1,,,,0.35,,us-central1,us-central1-a\n"     // 8
                                     ",L4,1,,,,0.56,,europe-west4,europe-west4-a\n",  // 9
                                 "catalogs/gcp/vms.csv");
  REQUIRE(import.offers.size() == 3);
  CHECK(import.offers[0].price.value == doctest::Approx(0.85));
  CHECK(import.offers[0].machine == "g2-standard-8");
  CHECK(import.offers[1].kind == "spot");
  CHECK(import.offers[1].price.value == doctest::Approx(0.3));
  CHECK(import.offers[2].accelerator == "a100-sxm-40");
  CHECK(import.offers[2].price.value == doctest::Approx(7.35));
  CHECK(import.n_without_accelerator == 3);
  // The host of B200 reads 0, a T4's may be any, and the other zone has no host at all.
  CHECK(n_of(import, Fault::partial) == 3);
}

TEST_CASE("import vast: a host's offer, its auction, its own price of disk and traffic") {
  const Import import = imported(
      R"([{"id": 12, "num_gpus": 2, "gpu_name": "RTX 4090", "gpu_ram": 24564, "dph_base": 0.8,
           "dph_total": 0.82, "min_bid": 0.5, "is_bid": false, "storage_cost": 0.2,
           "inet_up_cost": 0.01, "inet_down_cost": 0.02, "geolocation": "Sweden, SE",
           "verification": "verified", "rentable": true},
          {"id": 13, "num_gpus": 1, "gpu_name": "A100 SXM4", "gpu_ram": 81920, "dph_total": 1.1},
          {"id": 14, "num_gpus": 1, "gpu_name": "RTX 4090", "dph_base": 0.4, "rentable": false},
          {"id": 15, "num_gpus": "two", "gpu_name": "RTX 4090", "dph_base": 0.4},
          7])",
      "offers.json");
  CHECK(import.format == "vast");
  REQUIRE(import.offers.size() == 3);
  CHECK(import.offers[0].provider == "vast");
  CHECK(import.offers[0].machine == "12");
  CHECK(import.offers[0].kind == "community");
  CHECK(import.offers[0].price.value == doctest::Approx(0.8));
  CHECK(*import.offers[0].disk_usd_per_gb_month == doctest::Approx(0.2));
  CHECK(*import.offers[0].download_usd_per_gb == doctest::Approx(0.02));
  CHECK(import.offers[1].kind == "interruptible");
  CHECK(import.offers[1].price.value == doctest::Approx(0.5));
  CHECK(import.offers[2].accelerator == "a100-sxm-80");
  CHECK(n_of(import, Fault::not_offered) == 1);
  CHECK(n_of(import, Fault::unreadable) == 2);
  CHECK(import.left_out.front().row == 3);
  // The API wraps the same list.
  CHECK(imported(R"({"offers": []})", "a.json").offers.empty());
}

TEST_CASE("import gpuhunt: whole instances, spot by its column, machines without a GPU counted") {
  const Import import = imported(
      "instance_name,location,price,cpu,memory,gpu_vendor,gpu_count,gpu_name,gpu_memory,spot,"
      "disk_size\n"
      "gpu_8x_h100_sxm5,us-east-1,23.92,208,1800,nvidia,8,H100,80,False,\n"
      "gpu_8x_h100_new,us-east-1,23.92,208,1800,nvidia,8,H100,80,False,\n"
      "gpu_1x_l4,us-east-1,0.75,8,60,nvidia,1,L4,24,True,100\n"
      "cpu_4x,us-east-1,0.1,4,16,,0,,,False,\n"
      "gpu_1x_mi325,us-east-1,2.0,8,60,amd,1,MI325X,288,False,100\n",
      "lambda.csv");
  CHECK(import.format == "gpuhunt");
  CHECK(import.n_without_accelerator == 1);
  REQUIRE(import.offers.size() == 3);
  CHECK(import.offers[0].provider == "lambda");
  CHECK(import.offers[0].accelerator == "h100-sxm");  // profiles/machines knows the instance
  CHECK(import.offers[1].kind == "spot");
  CHECK(import.offers[2].accelerator == "mi325x");
  CHECK(only_refusal(import).fault == Fault::merged_name);  // H100: SXM or PCIe?
}

TEST_CASE("import plain: wrong units are seen by what others ask") {
  const auto refused = [&](const std::string& row) {
    return only_refusal(imported(plain_header + row + "\n", "mine.csv"));
  };
  const LeftOut cents = refused("me,rtx-4090,1,community,40");
  CHECK(cents.fault == Fault::unit);
  CHECK(contains(cents.reason, "cents?"));
  CHECK(contains(refused("me,rtx-4090,1,community,900").reason, "USD a month?"));
  CHECK(refused("me,rtx-4090,1,community,0.001").fault == Fault::unit);
  CHECK(refused("me,rtx-4090,1,community,0").fault == Fault::sentinel);
  CHECK(refused("me,rtx-4090,1,community,1000000").fault == Fault::sentinel);
  CHECK(refused("me,rtx-4090,1,community,nan").fault == Fault::unreadable);
  CHECK(refused("me,rtx-4090,1,sometimes,0.4").fault == Fault::unreadable);
  CHECK(refused("me,rtx-4090,0,community,0.4").fault == Fault::count);
  CHECK(refused("mithril,rtx-4090,1,community,1").fault == Fault::sentinel);
  const Import monthly =
      imported("provider,accelerator,price,unit\nme,rtx-4090,300,USD/month\n", "mine.csv");
  CHECK(only_refusal(monthly).fault == Fault::unit);
  const Import good = imported(plain_header + "me,rtx-4090,2,community,0.8\n", "mine.csv");
  CHECK(good.offers.size() == 1);
  CHECK(good.offers[0].as_of == "2026-08-23");
}

TEST_CASE("import: of equal offers the cheapest stays, and the other is told") {
  const Import import = imported(plain_header +
                                     "me,l4,1,on_demand,0.8\nme,l4,1,on_demand,0.7\n"
                                     "me,l4,1,on_demand,0.7\n",
                                 "mine.csv");
  REQUIRE(import.offers.size() == 1);
  CHECK(import.offers[0].price.value == doctest::Approx(0.7));
  CHECK(only_refusal(import).fault == Fault::twice);
}

TEST_CASE("import: names that would break a terminal or a file are refused") {
  const Import import = imported(plain_header + "\"ev\x1b[31mil\",l4,1,on_demand,0.8\n" +
                                     std::string(300, 'x') + ",l4,1,on_demand,0.8\n",
                                 "mine.csv");
  CHECK(import.offers.empty());
  CHECK(n_of(import, Fault::unreadable) == 2);
}

TEST_CASE("import: a file of no known format is an input error that names those that are") {
  const auto error = [](const std::string& text, const std::string& format = "") {
    return message_of<InputError>([&] {
      import_offers(text, "f.csv", {format, "", "2026-08-23"}, shipped_check());
    });
  };
  CHECK(contains(error("a,b\n1,2\n"), "SkyPilot"));
  CHECK(contains(error(""), "empty"));
  CHECK(contains(error("{\"offers\": 3}"), "expected a list"));
  CHECK(contains(error("[1, "), "not JSON"));
  CHECK(contains(error(plain_header, "skypilot"), "format plain, not skypilot"));
  CHECK(contains(error(plain_header, "vast"), "no JSON"));
}

}  // namespace aforo::money
