#include "planner/report/plan_diff.h"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "tests/report/export_plans.h"
#include "tests/support/text.h"

using namespace aforo;

namespace {

/// Two plans of which the second costs a fifth more and needs half the memory.
struct Two {
  PlanFile before = test::export_plan_file("deepspeed", Sharding::zero2);
  PlanFile after = test::export_plan_file("deepspeed", Sharding::zero3);
  Two() {
    after.prediction.dollars *= 1.2;
    after.prediction.hours *= 0.5;
    after.prediction.memory_bytes /= 2;
  }
};

}  // namespace

TEST_CASE("diff: settings that differ, and relative changes by hand") {
  const Two two;
  const PlanDiff diff = diff_plans(two.before, two.after);
  REQUIRE(diff.settings.size() == 1);
  CHECK(diff.settings[0].key == "sharding");
  CHECK(diff.settings[0].before == "zero2");
  CHECK(diff.settings[0].after == "zero3");
  CHECK(diff.cost.change() == doctest::Approx(0.2));
  CHECK(diff.time.change() == doctest::Approx(-0.5));
  CHECK(diff.memory.change() == doctest::Approx(-0.5));
  CHECK(diff.cost.within_spread());  // -25 % to +50 % of each
  CHECK(diff.time.within_spread());  // 0.75 of the one is under 1.5 x 0.5 of the other
  CHECK_FALSE(diff.memory.within_spread());
  CHECK(diff_plans(two.before, two.before).settings.empty());
  CHECK(diff_plans(two.before, two.before).cost.change() == 0);
}

TEST_CASE("diff: a limit is passed above it, not at it") {
  Two two;
  two.after.prediction.dollars = 1.5 * two.before.prediction.dollars;
  const PlanDiff diff = diff_plans(two.before, two.after);
  CHECK(over_limit(diff, {"cost"}, 0.5).empty());
  CHECK(over_limit(diff, {"cost"}, 0.49).size() == 1);
  CHECK(over_limit(diff, {"time", "memory"}, 0).empty());
}

TEST_CASE("diff: without a price on one side device-hours are compared") {
  Two two;
  two.before.prediction.dollars = -1;
  const PlanDiff diff = diff_plans(two.before, two.after);
  CHECK_FALSE(diff.priced);
  CHECK(diff.cost.before.mid == doctest::Approx(8 * two.before.prediction.hours));
  CHECK(contains(diff_text(diff, ""), "device-hours"));
}

TEST_CASE("diff: a change from nothing is said, not divided by zero") {
  Two two;
  two.before.prediction.dollars = 0;
  const PlanDiff diff = diff_plans(two.before, two.after);
  CHECK(change_text(diff.cost) == "from nothing");
  CHECK(over_limit(diff, {"cost"}, 10).size() == 1);
  CHECK(boost::json::parse(diff_json(diff, {})).is_object());
}

TEST_CASE("diff: Markdown keeps its rows whatever names hold") {
  Two two;
  const std::string tame = diff_markdown(diff_plans(two.before, two.after), "verdict");
  two.before.job.model.name = "a|b\n| c | d |";
  two.after.job.model.name = "<script>@everyone</script> `x` [y](z)";
  const std::string text = diff_markdown(diff_plans(two.before, two.after), "verdict");
  CHECK(std::count(text.begin(), text.end(), '\n') ==
        std::count(tame.begin(), tame.end(), '\n') + 1);
  CHECK_FALSE(contains(text, "<script>"));
  CHECK_FALSE(contains(text, "@everyone"));
  CHECK(contains(text, "| model | a\\|b \\| c \\| d \\| |"));
}
