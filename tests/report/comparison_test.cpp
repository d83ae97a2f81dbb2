#include "planner/report/comparison.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace aforo;

namespace {

Comparison sample() {
  Comparison c;
  c.predicted_step = Seconds(0.100);
  c.measured_step = Seconds(0.108);
  c.predicted_arena = c.measured_arena = Bytes(4 * mebi);
  c.predicted_process = Bytes(10 * mebi);
  c.measured_process = Bytes(9 * mebi);
  c.first_loss = 5;
  c.last_loss = 3;
  c.validation_loss = NAN;
  c.measured_kept[static_cast<int>(Role::weight)] = Bytes(mebi);
  c.ops = {{"fwd L00 mlp.up", "gemm", "forward", 2, Seconds(0.010), Seconds(0.012)},
           {"bwd L00 mlp.up", "gemm", "backward", 2, Seconds(0.020), Seconds(0.019)},
           {"opt update", "adamw", "optimizer", 1, Seconds(0.040), Seconds(0.046)},
           {"eval loss", "cross_entropy", "evaluate", 0, Seconds(9), Seconds(9)}};
  return c;
}

MemoryPlan memory() {
  MemoryPlan plan;
  plan.arena = Bytes(4 * mebi);
  plan.persistent = Bytes(mebi);
  plan.persistent_by_role[static_cast<int>(Role::weight)] = Bytes(mebi);
  plan.at_peak[static_cast<int>(Role::weight)] = Bytes(mebi);
  plan.at_peak[static_cast<int>(Role::activation)] = Bytes(3 * mebi);
  return plan;
}

/// The line that begins with `name`, without runs of blanks.
std::string row(const std::string& text, const std::string& name) {
  std::size_t at = text.find("\n" + name);
  REQUIRE(at != std::string::npos);
  std::string line;
  for (++at; at < text.size() && text[at] != '\n'; ++at)
    if (text[at] != ' ' || line.empty() || line.back() != ' ') line += text[at];
  return line;
}

}  // namespace

TEST_CASE("comparison: what is off by more than the tolerance is named with both figures") {
  CHECK(outside_tolerance(sample(), 0.11).empty());
  const std::vector<std::string> outside = outside_tolerance(sample(), 0.09);
  REQUIRE(outside.size() == 1);
  CHECK(outside[0] == "process memory is -10.0 % off; the tolerance is 9.0 %");
  CHECK(outside_tolerance(sample(), 0.079).size() == 2);
  Comparison arena = sample();
  arena.measured_arena += Bytes(64);
  CHECK(outside_tolerance(arena, 0.11).empty());
  CHECK(outside_tolerance(arena, 0).size() == 3);
}

TEST_CASE("comparison: what was not measured is outside no tolerance") {
  Comparison c = sample();
  c.measured_process = Bytes(0);
  CHECK(outside_tolerance(c, 0.09).empty());
}

TEST_CASE("comparison: ops are summed by phase and kind over their runs, without the evaluation") {
  const std::string text = comparison_text(sample(), memory(), 2);
  CHECK(row(text, "forward") == "forward 20 ms 24 ms +20.0 %");
  CHECK(row(text, "gemm") == "gemm 60 ms 62 ms +3.3 %");
  CHECK(row(text, "opt update") == "opt update (adamw) 40 ms 46 ms +15.0 %");
  CHECK(text.find("eval loss") == std::string::npos);
  CHECK(text.find("fwd L00") == std::string::npos);  // only the two costliest
  CHECK(text.find("validation") == std::string::npos);
}

TEST_CASE("comparison: memory lists what is kept by role, then what lives while a step runs") {
  const std::string text = comparison_text(sample(), memory(), 2);
  CHECK(row(text, "weight") == "weight 1.00 1.00 +0.0 %");
  CHECK(row(text, "while a step runs") == "while a step runs 3.00 3.00 +0.0 %");
  CHECK(row(text, "  at its peak: activation").starts_with(" at its peak: activation 3.00"));
  CHECK(row(text, "arena") == "arena (bytes touched) 4.00 4.00 +0.0 %");
  CHECK(row(text, "process") == "process (resident) 10.00 9.00 -10.0 %");
}
