#include "runtime/core/profile.h"

#include <doctest/doctest.h>

#include "planner/base/error.h"

using namespace aforo;

namespace {

StepProgram four_ops() {
  StepProgram program;
  for (int i = 0; i < 4; ++i) program.ops.push_back({Fill{1, 0.0f}, {}, {}, {}});
  program.sections = {{SectionKind::begin, 0, 1, 1}, {SectionKind::micro_step, 1, 4, 2}};
  return program;
}

}  // namespace

TEST_CASE("profile: the median of an even number is the mean of the middle two") {
  CHECK(median({}) == Seconds(0));
  CHECK(median({Seconds(3)}) == Seconds(3));
  CHECK(median({Seconds(4), Seconds(1), Seconds(2)}) == Seconds(2));
  CHECK(median({Seconds(8), Seconds(1), Seconds(4), Seconds(2)}) == Seconds(3));
}

TEST_CASE("profile: spans are medians per op; a section that never ran counts nothing") {
  const StepProgram program = four_ops();
  Profile profile;
  CHECK(profile.empty());
  for (const double t : {5.0, 1.0, 2.0})
    profile.add(program.sections[1], {Seconds(t), Seconds(10 * t), Seconds(100 * t)});
  const std::vector<Span> spans = profile.spans(program);
  REQUIRE(spans.size() == 4);
  CHECK(spans[0].time == Seconds(0));
  CHECK(spans[1].time == Seconds(2));
  CHECK(spans[2].time == Seconds(20));
  CHECK(spans[3].time == Seconds(200));
  CHECK(spans[3].op == 3);
}

TEST_CASE("profile: a wrong number of times is a defect") {
  const StepProgram program = four_ops();
  Profile profile;
  CHECK_THROWS_AS(profile.add(program.sections[1], {Seconds(1)}), InternalError);
}
