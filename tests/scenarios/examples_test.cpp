// The twenty scenarios that are shipped: each has an answer, and the answer keeps its limits.

#include <doctest/doctest.h>

#include <map>

#include "tests/scenarios/world.h"

namespace aforo::scenarios {
namespace {

void check_answer(const Answer& answer) {
  const Scenario& s = *answer.scenario;
  if (answer.chosen < 0) {
    CHECK(answer.outcome != Outcome::chosen);
    REQUIRE_FALSE(answer.why_not.empty());
    CHECK_FALSE(answer.why_not.front().empty());
  } else {
    const Row& row = answer.rows[answer.chosen];
    CHECK(row.chosen);
    if (s.budget_usd) CHECK(row.bill.usd.mid <= *s.budget_usd);
    if (s.deadline_hours) CHECK(row.bill.wall_hours.mid <= *s.deadline_hours);
    CHECK(row.layout->estimate.memory_bytes.mid <= row.layout->estimate.capacity);
    CHECK(answer.trades.size() == 2);
  }
  for (const Row& row : answer.rows) {
    if (row.chosen) CHECK(&row == &answer.rows[answer.chosen]);
    CHECK(row.bill.usd.low <= row.bill.usd.mid);
    CHECK(row.bill.usd.mid <= row.bill.usd.high);
    if (row.option.is_spot()) CHECK(s.spot != SpotPolicy::never);
    if (s.spot == SpotPolicy::only && !row.option.owned) CHECK(row.option.is_spot());
    CHECK(row.option.site.n_devices >= 1);
  }
}

}  // namespace

TEST_CASE(
    "examples: every shipped scenario answers with a choice within its limits, or says why not") {
  const std::vector<Scenario> all =
      read_scenarios(YamlNode::load_file(AFORO_SOURCE_DIR "/examples/scenarios.yaml"),
                     test::shipped_world().cards);
  CHECK(all.size() == 20);
  std::map<std::string, Outcome> outcomes;
  for (const Scenario& scenario : all) {
    CAPTURE(scenario.name);
    const Answer answer = answer_of(scenario, test::shipped_world());
    outcomes[scenario.name] = answer.outcome;
    check_answer(answer);
  }
  CHECK(outcomes.at("qlora-8b-20-dollars") == Outcome::chosen);
  CHECK(outcomes.at("124m-weekend-3090") == Outcome::chosen);
  CHECK(outcomes.at("llama-2-70b-from-scratch") == Outcome::chosen);
  CHECK(outcomes.at("tpu-slice-1b") == Outcome::chosen);
  CHECK(outcomes.at("full-8b-on-24-gb") == Outcome::does_not_fit);
  CHECK(outcomes.at("llama-2-70b-for-1000-dollars") == Outcome::over_limits);
}

}  // namespace aforo::scenarios
