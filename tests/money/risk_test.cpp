// Probabilities: drawn runs against the closed form.

#include "planner/money/risk.h"

#include <doctest/doctest.h>

#include <cmath>

namespace aforo::money {
namespace {

const Assumptions& shipped_assumptions() {
  static const Assumptions all = load_assumptions();
  return all;
}

struct RiskCase {
  RunNeeds needs;
  Supply supply;
  Bill bill;
};

RiskCase risk_case(Terms terms, double hours, double checkpoint_gb) {
  RiskCase c;
  c.needs.training_hours = {0.8 * hours, hours, 1.5 * hours};
  c.needs.checkpoint_gb = checkpoint_gb;
  c.needs.disk_gb = 100;
  c.supply.terms = terms;
  c.supply.usd_per_hour = 2;
  c.supply.tariff = shipped_assumptions().default_tariff;
  c.bill = bill_of(c.needs, c.supply, shipped_assumptions());
  return c;
}

}  // namespace

TEST_CASE("risk: the share of drawn runs in time is the closed form's probability") {
  for (Terms terms : {Terms::steady, Terms::marketplace, Terms::spot})
    for (double hours : {2.0, 12.0, 60.0}) {
      const RiskCase c = risk_case(terms, hours, 20);
      for (double factor : {0.8, 1.0, 1.2, 1.6}) {
        CAPTURE(hours);
        CAPTURE(factor);
        const double deadline = factor * c.bill.wall_hours.mid;
        const DrawnBills drawn =
            draw_bills(c.bill, c.needs, c.supply, shipped_assumptions(), {deadline, 0}, 4000);
        const double p =
            probability_in_time(c.bill, c.needs, c.supply, shipped_assumptions(), deadline);
        // Four standard errors of 4,000 draws are 0.032; the gamma approximation takes the rest.
        CHECK(std::abs(drawn.in_time - p) < 0.045);
      }
    }
}

TEST_CASE("risk: a run of thousands of interruptions is drawn by their sum, with the same mean") {
  const RiskCase c = risk_case(Terms::spot, 20000, 20);
  CHECK(c.bill.n_interruptions > 3000);
  const DrawnBills drawn = draw_bills(c.bill, c.needs, c.supply, shipped_assumptions(), {}, 2000);
  CHECK(drawn.wall_hours.mid > c.bill.wall_hours.low);
  CHECK(drawn.wall_hours.mid < c.bill.wall_hours.high);
}

TEST_CASE("risk: the same seed draws the same bills, another one others") {
  const RiskCase c = risk_case(Terms::spot, 10, 20);
  const auto draw = [&](std::uint64_t seed) {
    return draw_bills(c.bill, c.needs, c.supply, shipped_assumptions(), {}, 500, seed);
  };
  CHECK(draw(1).usd.mid == draw(1).usd.mid);
  CHECK(draw(1).usd.mid != draw(2).usd.mid);
  CHECK(draw(1).in_time == 1);
}

TEST_CASE("risk: the median of drawn bills lies within the bill, whose ends are wider") {
  for (Terms terms : {Terms::steady, Terms::spot}) {
    const RiskCase c = risk_case(terms, 10, 20);
    const DrawnBills drawn = draw_bills(c.bill, c.needs, c.supply, shipped_assumptions(), {}, 2000);
    CHECK(drawn.usd.mid > c.bill.usd.low);
    CHECK(drawn.usd.mid < c.bill.usd.high);
    CHECK(drawn.wall_hours.low > c.bill.wall_hours.low);
    CHECK(drawn.wall_hours.high < c.bill.wall_hours.high);
  }
}

TEST_CASE("risk: a budget is kept by the share of drawn bills within it") {
  const RiskCase c = risk_case(Terms::steady, 10, 20);
  const auto share = [&](double usd) {
    return draw_bills(c.bill, c.needs, c.supply, shipped_assumptions(), {0, usd}).in_budget;
  };
  CHECK(share(0.5 * c.bill.usd.low) == 0);
  CHECK(share(2 * c.bill.usd.high) == 1);
  CHECK(share(c.bill.usd.mid) == doctest::Approx(0.5).epsilon(0.1));
}

}  // namespace aforo::money
