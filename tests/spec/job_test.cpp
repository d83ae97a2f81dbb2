#include "planner/spec/job.h"

#include <doctest/doctest.h>

namespace aforo {
namespace {

constexpr std::int64_t n_steps = 1000;

ScheduleSpec schedule(ScheduleKind kind, std::int64_t warmup = 100) {
  ScheduleSpec s;
  s.kind = kind;
  s.warmup_steps = warmup;
  s.min_ratio = 0.1;
  s.decay_fraction = 0.2;
  return s;
}

double rate(const ScheduleSpec& s, std::int64_t step) {
  OptimizerSpec optimizer;
  optimizer.learning_rate = 2.0;
  return learning_rate(optimizer, s, step, n_steps);
}

}  // namespace

TEST_CASE("learning_rate: warm-up is linear, never zero, and full at its last step") {
  for (ScheduleKind kind : {ScheduleKind::constant, ScheduleKind::cosine, ScheduleKind::wsd}) {
    const ScheduleSpec s = schedule(kind);
    CHECK(rate(s, 0) == doctest::Approx(2.0 / 101));
    CHECK(rate(s, 49) == doctest::Approx(2.0 * 50 / 101));
    CHECK(rate(s, 100) == doctest::Approx(2.0));
    CHECK(rate(schedule(kind, 0), 0) == doctest::Approx(2.0));
  }
}

TEST_CASE("learning_rate: a cosine passes half way between the ends and stops at min_ratio") {
  const ScheduleSpec s = schedule(ScheduleKind::cosine);
  CHECK(rate(s, 550) == doctest::Approx((2.0 + 0.2) / 2));
  CHECK(rate(s, n_steps) == doctest::Approx(0.2));
  CHECK(rate(s, 5 * n_steps) == doctest::Approx(0.2));
}

TEST_CASE("learning_rate: warm-up-stable-decay is flat, then linear over the last decay_fraction") {
  const ScheduleSpec s = schedule(ScheduleKind::wsd);
  CHECK(rate(s, 799) == doctest::Approx(2.0));
  CHECK(rate(s, 800) == doctest::Approx(2.0));
  CHECK(rate(s, 900) == doctest::Approx((2.0 + 0.2) / 2));
  CHECK(rate(s, n_steps) == doctest::Approx(0.2));
  CHECK(rate(s, 2 * n_steps) == doctest::Approx(0.2));
}

TEST_CASE("learning_rate: a constant stays, and decay_fraction 0 never decays") {
  CHECK(rate(schedule(ScheduleKind::constant), n_steps) == doctest::Approx(2.0));
  ScheduleSpec s = schedule(ScheduleKind::wsd);
  s.decay_fraction = 0;
  CHECK(rate(s, n_steps - 1) == doctest::Approx(2.0));
}

TEST_CASE("learning_rate: stays between min_ratio and full after warm-up, whatever the step") {
  for (ScheduleKind kind : {ScheduleKind::constant, ScheduleKind::cosine, ScheduleKind::wsd}) {
    const ScheduleSpec s = schedule(kind);
    for (std::int64_t step = s.warmup_steps; step < 2 * n_steps; ++step) {
      REQUIRE(rate(s, step) <= 2.0);
      REQUIRE(rate(s, step) >= 0.2 - 1e-12);
      REQUIRE(rate(s, step + 1) <= rate(s, step));
    }
  }
}

TEST_CASE("job: steps train at least n_tokens, and not a step more than needed") {
  TrainingJob job;
  job.seq_len = 1024;
  job.global_batch_size = 8;
  job.n_tokens = 1;
  CHECK(job.n_steps() == 1);
  job.n_tokens = 8192;
  CHECK(job.n_steps() == 1);
  job.n_tokens = 8193;
  CHECK(job.n_steps() == 2);
}

}  // namespace aforo
