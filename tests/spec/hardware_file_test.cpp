#include "planner/spec/hardware_file.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "tests/base/thrown.h"
#include "tests/support/temporary_folder.h"

namespace fs = std::filesystem;

namespace aforo {
namespace {

constexpr const char* card =
    "name: some-card\n"
    "vendor: NVIDIA\n"
    "kind: gpu\n"
    "memory: 24 GB\n"
    "memory_bandwidth: 1008 GB/s\n"
    "peak_dense: {fp32: 82.6 TFLOP/s, bf16: 165.2 TFLOP/s}\n"
    "efficiency: {gemm: 0.92, memory: 0.9, origin: \"a test\"}\n"
    "launch_overhead: 2.5 us\n"
    "context_memory: 0.8 GiB\n"
    "source: {url: \"https://example.org\", read: \"2026-08-22\", note: \"none\"}\n";

std::string card_with(const std::string& piece, const std::string& other) {
  std::string text = card;
  text.replace(text.find(piece), piece.size(), other);
  return text;
}

std::string card_error_with(const std::string& piece, const std::string& other) {
  return test::input_error(
      [&] { read_accelerator(YamlNode::load_text(card_with(piece, other), "card.yaml")); });
}

Offer offer(const char* provider, const char* kind, int count, double price) {
  Offer o;
  o.provider = provider;
  o.accelerator = "card";
  o.kind = kind;
  o.count = count;
  o.price = DollarsPerHour(price);
  return o;
}

}  // namespace

TEST_CASE("accelerator: a profile is read with its units, and absent keys have defaults") {
  const AcceleratorSpec spec = read_accelerator(YamlNode::load_text(card, "card.yaml"));
  CHECK(spec.name == "some-card");
  CHECK(spec.memory == Bytes(24'000'000'000));
  CHECK(spec.usable_memory == spec.memory);
  CHECK(spec.memory_bandwidth.value == doctest::Approx(1008e9));
  CHECK(spec.peak_dense.at("bf16").value == doctest::Approx(165.2e12));
  CHECK(spec.launch_overhead.value == doctest::Approx(2.5e-6));
  CHECK(spec.context_memory == Bytes(gibi * 8 / 10));
  CHECK(spec.gemm_efficiency == 0.92);
  CHECK(spec.efficiency_origin == "a test");
  CHECK(spec.source == "https://example.org; 2026-08-22; none");
  CHECK(spec.per_node == 1);
  CHECK(spec.link.p2p);
}

TEST_CASE("accelerator: problems carry file, line, column and the value") {
  CHECK(card_error_with("memory: 24 GB", "memory: 24") ==
        "card.yaml:4:9: memory is \"24\"; expected a size with a unit, such as \"141 GB\" or "
        "\"131 GiB\"");
  CHECK(card_error_with("memory: 24 GB", "memory: 0 GB") ==
        "card.yaml:4:9: memory is \"0 GB\"; expected more than 0");
  CHECK(card_error_with("kind: gpu", "kind: gpus") ==
        "card.yaml:3:7: kind is \"gpus\"; expected gpu, tpu, custom, cpu; did you mean gpu?");
  CHECK(card_error_with("bf16: 165.2 TFLOP/s", "bf17: 165.2 TFLOP/s") ==
        "card.yaml:6:34: unknown key \"bf17\"; did you mean \"bf16\"?");
  CHECK(card_error_with("{fp32: 82.6 TFLOP/s, bf16: 165.2 TFLOP/s}", "{}") ==
        "card.yaml:6:13: peak_dense is empty; give at least one type's peak");
  CHECK(card_error_with("gemm: 0.92", "gemm: 1.2") ==
        "card.yaml:7:20: efficiency.gemm is 1.2; expected 0.01 to 1");
}

TEST_CASE("accelerator: every profile is read, and physics holds for it") {
  const std::vector<AcceleratorSpec> specs = all_accelerators();
  CHECK(specs.size() >= 60);
  for (const AcceleratorSpec& spec : specs) {
    CAPTURE(spec.name);
    CHECK(spec.memory >= Bytes(8'000'000'000));
    // Sheets say GB and often mean GiB, which is 7.4 % more; the driver keeps some for itself.
    CHECK(spec.usable_memory / spec.memory > 0.85);
    CHECK(spec.usable_memory / spec.memory < 1.074);
    CHECK(spec.context_memory < spec.usable_memory);
    CHECK(spec.memory_bandwidth.value >= 50e9);
    CHECK(spec.launch_overhead.value > 0);
    CHECK_FALSE(spec.efficiency_origin.empty());
    CHECK_FALSE(spec.source.empty());
    const auto peak = [&](const char* type) {
      return spec.peak_dense.contains(type) ? spec.peak_dense.at(type).value : 0;
    };
    CHECK(std::max(peak("bf16"), peak("fp16")) + peak("fp32") > 0);
    // A narrower type is never slower.
    if (peak("fp8") > 0 && peak("bf16") > 0) CHECK(peak("fp8") >= peak("bf16"));
    if (peak("bf16") > 0 && peak("fp32") > 0) CHECK(peak("bf16") >= peak("fp32"));
  }
}

TEST_CASE("accelerator: found by name and alias, whatever the letter case, spaces and dashes") {
  CHECK(find_accelerator("rtx-4090").name == "rtx-4090");
  CHECK(find_accelerator("RTX 4090").name == "rtx-4090");
  CHECK(find_accelerator("4090").name == "rtx-4090");
  CHECK(find_accelerator("NVIDIA GeForce RTX 4090").name == "rtx-4090");
  CHECK(find_accelerator("h100").name == "h100-sxm");
}

TEST_CASE("accelerator: two profiles with one name or alias are refused, however it is spelled") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "models");
  const std::string a = folder.write("profiles/accelerators/a.yaml", card);
  const std::string b =
      folder.write("profiles/accelerators/b.yaml",
                   card_with("name: some-card\n", "name: other\naliases: [\"Some Card\"]\n"));
  ::setenv("AFORO_DATA", folder.path().c_str(), 1);
  CHECK(test::input_error([] { all_accelerators(); }) ==
        b + ": \"Some Card\" already names the accelerator in " + a);
  ::unsetenv("AFORO_DATA");
}

TEST_CASE("accelerator: an unknown name is refused with the nearest one") {
  CHECK(test::input_error([] { find_accelerator("RTX 409"); }) ==
        "there is no accelerator \"RTX 409\"; did you mean rtx-4090?; `aforo hardware` lists the "
        "names");
  CHECK(test::input_error([] { find_accelerator("no/such.yaml"); }) ==
        "no/such.yaml: cannot read: No such file or directory");
}

TEST_CASE("accelerator: a request has a count after a colon, or means one") {
  CHECK(parse_gpu_request("rtx-4090:4").name == "rtx-4090");
  CHECK(parse_gpu_request("rtx-4090:4").count == 4);
  CHECK(parse_gpu_request("rtx-4090").count == 1);
  for (const char* text :
       {"h100:", "h100:0", "h100:-1", "h100:x", "h100:8x", "h100:100001", "h100:1e2"})
    CHECK_MESSAGE(test::input_error([&] {
                    parse_gpu_request(text);
                  }).find("expected 1 to 100000, as in rtx-4090:4") != std::string::npos,
                  text);
}

TEST_CASE(
    "prices: the newest list names accelerators that exist, and prices that are none are absent") {
  std::set<std::string> known;
  for (const AcceleratorSpec& spec : all_accelerators()) known.insert(spec.name);
  const PriceList prices = newest_prices();
  CHECK(prices.offers.size() > 100);
  for (const Offer& o : prices.offers) {
    CAPTURE(o.source);
    CHECK_MESSAGE(known.contains(o.accelerator), o.accelerator);
    CHECK(o.price.value > 0);
    CHECK(o.price.value / o.count < 200);
    CHECK(o.as_of <= prices.as_of);
    CHECK_FALSE(o.source.empty());
  }
}

TEST_CASE("prices: the cheapest offer is per device, of the asked count where there is one") {
  PriceList prices;
  prices.offers = {offer("a", "on_demand", 1, 2.0), offer("b", "on_demand", 8, 12.0),
                   offer("c", "spot", 1, 0.5), offer("d", "community", 1, 1.8)};
  CHECK(cheapest_offer(prices, "card", 1)->provider == "d");
  CHECK(cheapest_offer(prices, "card", 8)->provider == "b");
  CHECK(cheapest_offer(prices, "card", 4)->provider == "b");  // 1.50 a device
  CHECK(cheapest_offer(prices, "card", 1, "spot")->provider == "c");
  CHECK_FALSE(cheapest_offer(prices, "card", 1, "reserved"));
  CHECK_FALSE(cheapest_offer(prices, "other", 1));
}

TEST_CASE("prices: an offer of an unknown kind or without a unit is refused") {
  const auto error = [](const char* text) {
    return test::input_error([&] {
      read_prices(
          YamlNode::load_text(std::string("as_of: 2026-08-23\noffers:\n  - ") + text, "p.yaml"));
    });
  };
  CHECK(error("{provider: a, accelerator: b, count: 1, kind: on-demand, price: 1 USD/h}") ==
        "p.yaml:3:51: offers[0].kind is \"on-demand\"; expected on_demand, community, spot, "
        "interruptible, reserved; did you mean on_demand?");
  CHECK(error("{provider: a, accelerator: b, count: 1, kind: spot, price: 1}") ==
        "p.yaml:3:64: offers[0].price is \"1\"; expected a price with a unit, such as \"0.22 "
        "USD/h\"");
  CHECK(error("{provider: a, accelerator: b, count: 0, kind: spot, price: 1 USD/h}") ==
        "p.yaml:3:42: offers[0].count is 0; expected 1 to 100000");
}

}  // namespace aforo
