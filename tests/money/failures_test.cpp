// Checkpoints against interruptions: hand-worked cases, and the closed form against drawn runs.

#include "planner/money/failures.h"

#include <doctest/doctest.h>

#include <cmath>

namespace aforo::money {
namespace {

struct Drawn {
  double held = 0, wall = 0, wall_spread = 0, failures = 0;
  std::vector<double> walls;
  double share_within(double hours) const {
    int n = 0;
    for (double wall_hours : walls) n += wall_hours <= hours ? 1 : 0;
    return n / static_cast<double>(walls.size());
  }
};

Drawn drawn(double work, double every, const Interruptions& in, int n) {
  HourSource source(7);
  Drawn sum;
  double squares = 0;
  for (int i = 0; i < n; ++i) {
    const DrawnRun run = draw_run(work, every, in, source);
    sum.held += run.held_hours / n;
    sum.wall += run.wall_hours / n;
    sum.failures += run.n_interruptions / static_cast<double>(n);
    squares += run.wall_hours * run.wall_hours / n;
    sum.walls.push_back(run.wall_hours);
  }
  sum.wall_spread = std::sqrt(squares - sum.wall * sum.wall);
  return sum;
}

}  // namespace

TEST_CASE("young_daly: the example of the economics notes, M 2.3 h, C 1 min") {
  // sqrt(2 x 1/60 x 2.3) = 0.2769 h = 16.6 min; Daly: x (1 + 0.0601/3 + 0.00362/9) - 1/60 = 0.2659
  CHECK(young_daly_hours(1.0 / 60, 2.3) == doctest::Approx(0.2659).epsilon(0.001));
  CHECK(young_daly_hours(5.0 / 60, 2.3) * 60 == doctest::Approx(33.7).epsilon(0.01));
}

TEST_CASE("young_daly: no other interval holds the machine for less") {
  const Interruptions in{6, 0.25, 0, 0.05};
  const double best = young_daly_hours(0.05, 6);
  const double work = 600;  // long beside the interval, so that the last piece does not matter
  const double least = InterruptedRun(work, best, in).held_hours();
  for (double factor : {0.5, 0.7, 1.4, 2.0})
    CHECK(InterruptedRun(work, factor * best, in).held_hours() > least);
  // Within 0.1 % of the best of a fine grid.
  double grid = 1e9;
  for (double every = 0.1; every < 3; every += 0.01)
    grid = std::min(grid, InterruptedRun(work, every, in).held_hours());
  CHECK(least < 1.002 * grid);
}

TEST_CASE("interrupted run: one piece by hand") {
  // M 10, R 1, piece of 2 with C 0.5: 10 e^0.1 (e^0.25 - 1) = 3.139
  const InterruptedRun run(2, 2, {10, 1, 4, 0.5});
  CHECK(run.held_hours() == doctest::Approx(10 * std::exp(0.1) * (std::exp(0.25) - 1)));
  CHECK(run.held_hours() == doctest::Approx(3.139).epsilon(0.001));
  CHECK(run.n_interruptions() == doctest::Approx(0.3139).epsilon(0.001));
  CHECK(run.wall().mean == doctest::Approx(3.139 + 0.3139 * 4).epsilon(0.001));
  CHECK(run.least_hours() == doctest::Approx(2.5));
}

TEST_CASE("interrupted run: without failures it takes training and checkpoints") {
  const InterruptedRun run(10, 3, {0, 1, 1, 0.1});
  CHECK(run.held_hours() == doctest::Approx(10.4));  // 3 + 3 + 3 + 1, a checkpoint behind each
  CHECK(run.probability_within(10.5) == 1);
  CHECK(run.probability_within(10.3) == 0);
}

TEST_CASE("interrupted run: a piece that cannot end makes the run infinite, not a number error") {
  const InterruptedRun run(10000, 10000, {1, 0.1, 0.1, 0.1});
  CHECK(std::isinf(run.held_hours()));
  CHECK(run.probability_within(1e6) == 0);
}

TEST_CASE("interrupted run: closed form and 20,000 drawn runs agree") {
  struct Case {
    double work, every;
    Interruptions in;
  };
  const Case cases[] = {{10, 0.3, {2.3, 0.17, 0.8, 0.02}},
                        {3, 0.5, {5, 0.1, 2, 0.05}},
                        {100, 1, {8, 0.5, 3.5, 0.1}},
                        {1, 1, {20, 0.25, 0, 0.01}}};
  for (const Case& c : cases) {
    CAPTURE(c.work);
    constexpr int n = 20000;
    const InterruptedRun run(c.work, c.every, c.in);
    const Drawn d = drawn(c.work, c.every, c.in, n);
    // Four standard errors of the mean.
    const double error = 4 * std::sqrt(run.wall().variance / n);
    CHECK(std::abs(d.wall - run.wall().mean) < error);
    CHECK(std::abs(d.held - run.held_hours()) < error);
    CHECK(d.wall_spread == doctest::Approx(std::sqrt(run.wall().variance)).epsilon(0.06));
    CHECK(d.failures == doctest::Approx(run.n_interruptions()).epsilon(0.1));
    for (double factor : {0.8, 1.0, 1.3, 2.0}) {
      CAPTURE(factor);
      const double hours = factor * run.wall().mean;
      CHECK(std::abs(d.share_within(hours) - run.probability_within(hours)) < 0.03);
    }
  }
}

TEST_CASE("interrupted run: the probability grows with the hours, from 0 to 1") {
  const InterruptedRun run(10, 0.5, {3, 0.2, 1, 0.05});
  double before = 0;
  for (double hours = 0; hours < 100; hours += 0.5) {
    const double p = run.probability_within(hours);
    CHECK(p >= before);
    CHECK(p <= 1);
    before = p;
  }
  CHECK(before > 0.9999);
}

TEST_CASE("goodput: what Llama 3 reported follows from its failures") {
  // Llama 3 405B: 16,384 GPUs, one interruption in 50,700 GPU-hours; automatic restart in 10
  // minutes, checkpoint of 5.7 TB over 2,048 machines in 3 s. Reported: over 90 % effective.
  const double m = 50700.0 / 16384;
  const Interruptions llama{m, 10.0 / 60, 0, 3.0 / 3600};
  const double work = 1000;
  const InterruptedRun run(work, young_daly_hours(llama.checkpoint_hours, m), llama);
  CHECK(work / run.wall().mean > 0.90);
  CHECK(work / run.wall().mean < 0.97);
}

TEST_CASE("hour source: uniform, exponential and normal have their means") {
  HourSource source(3);
  double uniform = 0, exponential = 0, normal = 0, square = 0;
  constexpr int n = 100000;
  for (int i = 0; i < n; ++i) {
    uniform += source.uniform() / n;
    exponential += source.exponential(2.5) / n;
    const double z = source.standard_normal();
    normal += z / n;
    square += z * z / n;
    CHECK_FALSE(source.below(7) >= 7);
  }
  CHECK(uniform == doctest::Approx(0.5).epsilon(0.01));
  CHECK(exponential == doctest::Approx(2.5).epsilon(0.02));
  CHECK(std::abs(normal) < 0.02);
  CHECK(square == doctest::Approx(1).epsilon(0.02));
}

}  // namespace aforo::money
