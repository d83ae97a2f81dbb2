// Every line of the bill by hand, and bills that others published.

#include "planner/money/bill.h"

#include <doctest/doctest.h>

#include <cmath>

#include "planner/money/ownership.h"
#include "tests/support/text.h"

namespace aforo::money {
namespace {

const Assumptions& shipped() {
  static const Assumptions all = load_assumptions();
  return all;
}

/// Interruptions so seldom that they round to nothing, and no spread: what arithmetic by hand can
/// do.
Assumptions without_failures() {
  Assumptions all = shipped();
  const FailureRate never{1e12, 0.25};
  all.failures = all.marketplace = {never, never, never};
  return all;
}

RunNeeds bare(double hours, int n_devices) {
  RunNeeds needs;
  needs.training_hours = exactly(hours);
  needs.n_devices = n_devices;
  needs.evaluation_share = 0;
  needs.setup_hours = needs.repeated_share = exactly(0);
  return needs;
}

Supply rented(double usd_per_device_hour, int n_devices) {
  Supply supply;
  supply.usd_per_hour = usd_per_device_hour * n_devices;
  supply.tariff.upload = {{1e18, 0}};
  return supply;
}

double usd_of(double gpu_hours, int n_devices, double usd_per_gpu_hour) {
  const RunNeeds needs = bare(gpu_hours / n_devices, n_devices);
  return bill_of(needs, rented(usd_per_gpu_hour, n_devices), without_failures()).usd.mid;
}

}  // namespace

TEST_CASE("bill: published costs follow from their hours and prices") {
  // Hours, devices and prices as published; the sources are in the reference table of costs.
  CHECK(usd_of(192, 8, 28.0 / 8) == doctest::Approx(672));     // llm.c 1558M, 24 h at $28
  CHECK(usd_of(24 * 8, 8, 24.0 / 8) == doctest::Approx(576));  // the same, modded-nanogpt
  CHECK(usd_of(12.533, 8, 14.0 / 8) == doctest::Approx(20).epsilon(0.1));  // llm.c 124M, ~$20
  CHECK(usd_of(16.16, 8, 24.0 / 8) == doctest::Approx(48.48));             // nanochat, ~$48
  CHECK(usd_of(2.788e6, 2048, 2) == doctest::Approx(5.576e6));             // DeepSeek-V3 in all
  CHECK(usd_of(2.664e6, 2048, 2) == doctest::Approx(5.328e6));             // its pre-training
  // MPT-7B: 9.5 days on 440 A100; ~$200k is $2 a GPU and hour.
  CHECK(usd_of(9.5 * 24 * 440, 440, 2) == doctest::Approx(200000).epsilon(0.01));
  CHECK(usd_of(160, 4, 0.31) == doctest::Approx(50).epsilon(0.01));  // llm.q 1.5B on 4 x 4090
}

TEST_CASE("bill: set-up, download, evaluation and repeated runs by hand") {
  RunNeeds needs = bare(10, 2);
  needs.setup_hours = {0.1, 0.25, 0.5};
  needs.evaluation_share = 0.02;
  needs.repeated_share = {0, 0.2, 0.3};
  needs.download_gb = 90;
  needs.download_gb_per_hour = 450;
  Supply supply = rented(1.5, 2);  // $3 an hour
  supply.tariff.download = 0.01;
  const Bill bill = bill_of(needs, supply, without_failures());
  CHECK(bill[Line::setup].usd.mid == doctest::Approx(0.75));
  CHECK(bill[Line::setup].usd.high == doctest::Approx(1.5));
  CHECK(bill[Line::download].usd.mid == doctest::Approx(0.2 * 3 + 0.9));
  CHECK(bill[Line::training].usd.mid == doctest::Approx(30));
  CHECK(bill[Line::evaluation].usd.mid == doctest::Approx(0.6));
  CHECK(bill[Line::repeated].usd.mid == doctest::Approx(0.2 * 10.2 * 3));
  CHECK(bill[Line::repeated].usd.low == 0);
  CHECK(std::abs(bill[Line::interruptions].usd.mid) < 1e-6);
  CHECK(bill.held_hours.mid == doctest::Approx(0.25 + 0.2 + 10 + 0.2 + 2.04));
  CHECK(bill.device_hours.mid == doctest::Approx(2 * bill.held_hours.mid));
  double sum = 0;
  for (const BillLine& line : bill.lines) sum += line.usd.mid;
  CHECK(bill.usd.mid == doctest::Approx(sum));
}

TEST_CASE("bill: disk, disk of a stopped machine, checkpoints and upload by hand") {
  RunNeeds needs = bare(73, 1);
  needs.disk_gb = 200;
  needs.stopped_hours = 146;
  needs.checkpoint_gb = 0;
  needs.upload_gb = 15000;
  Supply supply = rented(1, 1);
  supply.tariff = {0.1, 0.2, 0.023, 0, {{10000, 0.09}, {1e18, 0.085}}, ""};
  const Bill bill = bill_of(needs, supply, without_failures());
  CHECK(bill[Line::disk].usd.mid == doctest::Approx(200 * 0.1 * 73 / 730));           // $2
  CHECK(bill[Line::disk_stopped].usd.mid == doctest::Approx(200 * 0.2 * 146 / 730));  // $8
  CHECK(bill[Line::upload].usd.mid == doctest::Approx(900 + 425));
  // 98 GB kept twice for 73 + 146 hours; writing 98 GB at 1 GB/s lengthens the run by 98 s each
  // time.
  needs.checkpoint_gb = 98;
  const Bill with = bill_of(needs, supply, without_failures());
  const double hours = with.wall_hours.mid + 146;
  CHECK(with[Line::checkpoints].usd.mid == doctest::Approx(2 * 98 * 0.023 / 730 * hours));
  CHECK(with[Line::interruptions].hours.mid == doctest::Approx(98.0 / 3600).epsilon(0.01));
}

TEST_CASE("bill: interruptions are what the closed form says, with each end's own rate") {
  RunNeeds needs = bare(100, 1024);
  needs.training_hours = {90, 100, 120};
  needs.n_machines = 128;
  needs.checkpoint_gb = 2450;  // 175B x 14 B
  const Bill bill = bill_of(needs, rented(2, 1024), shipped());
  const double m = 50700.0 / 1024, c = 2450.0 / 128 / 3600;
  CHECK(bill.interruptions.mean_hours_between == doctest::Approx(m));
  CHECK(bill.interruptions.checkpoint_hours == doctest::Approx(c));
  CHECK(bill.checkpoint_every_hours == doctest::Approx(young_daly_hours(c, m)));
  const InterruptedRun run(100, young_daly_hours(c, m), {m, 0.25, 0, c});
  CHECK(bill[Line::interruptions].hours.mid == doctest::Approx(run.held_hours() - 100));
  CHECK(bill[Line::interruptions].hours.high > 0.3 * 120);  // OPT's share of lost time
  CHECK(bill[Line::interruptions].hours.low < 0.05 * 90);
}

TEST_CASE("bill: the high end of 1,024 GPUs is what OPT-175B went through, 33 days in 56") {
  RunNeeds needs = bare(33 * 24, 1024);
  needs.n_machines = 128;
  needs.checkpoint_gb = 2450;
  const Bill bill = bill_of(needs, rented(2, 1024), shipped());
  CHECK(33 * 24 / bill.wall_hours.high == doctest::Approx(33.0 / 56).epsilon(0.05));
  CHECK(33 * 24 / bill.wall_hours.mid > 0.93);
}

TEST_CASE("bill: the largest clusters keep an end that can be read") {
  RunNeeds needs = bare(2000, 16384);
  needs.n_machines = 2048;
  needs.checkpoint_gb = 5680;
  const Bill bill = bill_of(needs, rented(2, 16384), shipped());
  CHECK(2000 / bill.wall_hours.mid > 0.87);  // Llama 3: over 90 % with restarts of 10 minutes
  CHECK(bill.wall_hours.high < 4 * 2000);
}

TEST_CASE("bill: spot is cheap an hour and pays for what it repeats and waits for") {
  RunNeeds needs = bare(20, 1);
  needs.checkpoint_gb = 60;  // a minute at 1 GB/s
  needs.disk_gb = 100;
  Supply supply = rented(1, 1);
  supply.tariff.disk_stopped = 0.1;
  supply.terms = Terms::spot;
  const Bill bill = bill_of(needs, supply, shipped());
  CHECK(bill.wall_hours.mid > bill.held_hours.mid);
  CHECK(bill.held_hours.mid > 1.05 * 20);
  CHECK(bill[Line::disk_stopped].usd.mid > 0);
  CHECK(bill.wall_hours.low <= bill.wall_hours.mid);
  CHECK(bill.wall_hours.mid <= bill.wall_hours.high);
  // By hand for the middle: the mean of the closed form over the traces of one machine.
  const std::vector<SpotTrace> traces = shipped().traces_for(1);
  double held = 0;
  for (const SpotTrace& trace : traces)
    held += InterruptedRun(20, bill.checkpoint_every_hours,
                           {trace.between_hours, 1.0 / 60, trace.outage_hours, 1.0 / 60})
                .held_hours() /
            static_cast<double>(traces.size());
  CHECK(bill.held_hours.mid == doctest::Approx(held));
}

TEST_CASE("bill: electricity and wear of an own machine, energy and carbon of any") {
  RunNeeds needs = bare(100, 4);
  Supply supply;
  supply.terms = Terms::owned;
  supply.tariff.upload = {{1e18, 0}};
  // 4 x 3090 at 0.9 x 350 W and a host of 150 W: 1.41 kW
  supply.kilowatts = kilowatts(Watts(350), 4, 1, true, shipped());
  CHECK(supply.kilowatts == doctest::Approx(1.41));
  supply.usd_per_kwh = 0.1872;
  supply.wear_usd_per_hour = wear_usd_per_hour(6000, 1800, 26304);
  const Bill bill = bill_of(needs, supply, without_failures());
  CHECK(bill[Line::training].usd.mid == 0);
  CHECK(bill[Line::electricity].usd.mid == doctest::Approx(1.41 * 100 * 0.1872));
  CHECK(bill[Line::wear].usd.mid == doctest::Approx(100 * 4200 / 26304.0));
  CHECK(bill.kwh == doctest::Approx(141));
  CHECK(bill.kg_co2 == doctest::Approx(141 * 0.367));
}

TEST_CASE("ownership: an H100 node draws what was measured, and break-even as published") {
  // 8 x (0.9 x 700 + 420) W = 8.4 kW at the machine (arXiv 2412.08602).
  CHECK(kilowatts(Watts(700), 8, 1, false, shipped()) / 1.54 == doctest::Approx(8.4));
  CHECK(kilowatts(Watts(0), 8, 1, true, shipped()) == 0);
  CHECK(kilowatts(Watts(350), 1, 1, true, shipped(), 280) == doctest::Approx(0.43));
  // Rows of the rent-or-buy table, whose power costs are rounded to a tenth of a cent.
  CHECK(break_even_hours(3130, 0, 0.36, 0.103) == doctest::Approx(12177).epsilon(0.005));
  CHECK(break_even_hours(1500, 0, 0.165, 0.084) == doctest::Approx(18573).epsilon(0.005));
  CHECK(break_even_hours(25250, 0, 2.39, 0.106) == doctest::Approx(11054).epsilon(0.005));
  CHECK(break_even_hours(1000, 400, 0.5, 0.1) == doctest::Approx(1500));
  CHECK(std::isinf(break_even_hours(1000, 0, 0.1, 0.2)));
}

TEST_CASE("bill: a formula shows the numbers it comes from, and its own result") {
  RunNeeds needs = bare(24, 8);
  const Supply supply = rented(3.5, 8);
  const Bill bill = bill_of(needs, supply, without_failures());
  CHECK(formula(Line::training, bill, needs, supply) == "24.00 h x $28.000 = $672.00");
  for (int i = 0; i < n_lines; ++i)
    CHECK(contains(formula(static_cast<Line>(i), bill, needs, supply), " = $"));
}

TEST_CASE("bill: more work never costs less, on any terms") {
  for (Terms terms : {Terms::steady, Terms::marketplace, Terms::spot, Terms::owned}) {
    double before = 0;
    for (double hours : {0.1, 1.0, 5.0, 30.0, 200.0}) {
      RunNeeds needs;
      needs.training_hours = {0.8 * hours, hours, 1.5 * hours};
      needs.checkpoint_gb = 30;
      needs.disk_gb = 100;
      Supply supply = rented(1, 1);
      supply.terms = terms;
      const Bill bill = bill_of(needs, supply, shipped());
      CHECK(bill.usd.mid > before);
      CHECK(bill.usd.low <= bill.usd.mid);
      CHECK(bill.usd.mid <= bill.usd.high);
      CHECK(bill.wall_hours.mid >= hours);
      before = bill.usd.mid;
    }
  }
}

TEST_CASE("assumptions: tariffs, traces and purchase prices are those of the files") {
  CHECK(shipped().tariff_of("aws").disk == doctest::Approx(0.08));
  CHECK(shipped().tariff_of("nobody").upload.back().usd_per_gb == doctest::Approx(0.09));
  CHECK(tiered_usd(shipped().tariff_of("aws").upload, 12000) == doctest::Approx(900 + 170));
  CHECK(shipped().traces_for(1).size() > 10);
  CHECK(shipped().traces_for(2).front().machines == 4);
  CHECK(shipped().traces_for(100).front().machines == 16);
  REQUIRE(shipped().purchase_of("rtx-4090"));
  CHECK(shipped().purchase_of("rtx-4090")->usd == doctest::Approx(3129.99));
  CHECK_FALSE(shipped().purchase_of("no-card"));
}

}  // namespace aforo::money
