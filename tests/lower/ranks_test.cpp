// Programs of several ranks: they hold what every program must.

#include <doctest/doctest.h>

#include "planner/lower/lower.h"
#include "tests/support/rank_plans.h"

using namespace aforo;

TEST_CASE("lower: random plans over several ranks verify under every sharding, after every pass") {
  for (unsigned seed = 0; seed < 120; ++seed) {
    const tiny::RandomCase random = tiny::random_case(seed);
    const int dp = 1 + static_cast<int>(seed % 4);
    TrainingJob job = random.job;
    job.global_batch_size *= dp;
    for (auto& [name, plan] :
         tiny::sharded_plans(job, random.plan.precision, dp, random.plan.micro_batch_size)) {
      plan.recompute = random.plan.recompute;
      plan.deterministic = seed % 3 == 0;
      CAPTURE(seed);
      CAPTURE(name);
      CHECK_NOTHROW(verify(lower(job, plan, seed % 2 == 0 ? cpu_target() : cuda_target())));
      if (seed % 10 != 0) continue;
      for (const std::string& pass : pass_names())
        CHECK_NOTHROW(verify(lower_until(job, plan, cpu_target(), pass)));
    }
  }
}
