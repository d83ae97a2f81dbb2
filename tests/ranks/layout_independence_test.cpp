// One job on any number of ranks and under every sharding: the same bits in deterministic mode, the
// same up to rounding otherwise.

#include <doctest/doctest.h>

#include "tests/support/rank_plans.h"
#include "tests/support/rank_runner.h"

using namespace aforo;

namespace {

constexpr int layout_steps = 2;  // the second sees what the first changed

void check_same_bits(const tiny::RankResult& a, const tiny::RankResult& b) {
  CHECK(a.losses == b.losses);
  CHECK(a.norms == b.norms);
  CHECK(a.masters == b.masters);
}

/// The tokens of a step are summed in another order. Rounding is 2^-24 of a sum of terms that
/// partly cancel; a wrong or missing gradient shows at once, as a norm that is off by tenths.
void check_same_up_to_rounding(const tiny::RankResult& a, const tiny::RankResult& b) {
  REQUIRE(a.losses.size() == b.losses.size());
  for (std::size_t i = 0; i < a.losses.size(); ++i)
    CHECK(a.losses[i] == doctest::Approx(b.losses[i]).epsilon(1e-4));
  for (std::size_t i = 0; i < a.norms.size(); ++i)
    CHECK(a.norms[i] == doctest::Approx(b.norms[i]).epsilon(1e-3));
}

tiny::RankResult on_one_rank(const TrainingJob& job, Precision precision, int n_steps) {
  Plan plan = tiny::rank_plan(job, precision, 1, Sharding::ddp);
  plan.deterministic = true;
  return tiny::run_on_ranks(job, plan, n_steps);
}

}  // namespace

TEST_CASE(
    "ranks: losses, norms and weights have the same bits on 1, 2, 3 and 4 ranks under every "
    "sharding, in fp32 and bf16, with and without accumulation") {
  for (const ModelSpec& model : {tiny::gpt2(), tiny::llama(3)}) {
    for (const Precision precision : {Precision::fp32, Precision::bf16}) {
      for (const int batch : {4, 12}) {
        if (batch == 12 && model.tie_embeddings) continue;
        const TrainingJob job = tiny::job(model, batch, 8);
        const tiny::RankResult expected = on_one_rank(job, precision, layout_steps);
        for (const int dp : {1, 2, 3, 4}) {
          if (batch % dp != 0) continue;
          for (auto& [name, plan] : tiny::sharded_plans(job, precision, dp)) {
            CAPTURE(model.name);
            CAPTURE(dp);
            CAPTURE(batch);
            CAPTURE(name);
            CAPTURE(enum_name(precision));
            plan.deterministic = true;
            check_same_bits(tiny::run_on_ranks(job, plan, layout_steps), expected);
          }
        }
      }
    }
  }
}

TEST_CASE("ranks: recomputation, momentum and fp16 loss scaling keep the bits, too") {
  TrainingJob job = tiny::job(tiny::gemma(3), 8, 8);
  for (const OptimizerKind kind : {OptimizerKind::adamw, OptimizerKind::sgd})
    for (const Precision precision : {Precision::fp32, Precision::fp16}) {
      job.optimizer.kind = kind;
      const tiny::RankResult expected = on_one_rank(job, precision, layout_steps);
      for (const Recompute recompute : {Recompute::selective, Recompute::full})
        for (auto& [name, plan] : tiny::sharded_plans(job, precision, 4, 1, recompute)) {
          CAPTURE(name);
          plan.deterministic = true;
          check_same_bits(tiny::run_on_ranks(job, plan, layout_steps), expected);
        }
    }
}

TEST_CASE(
    "ranks: without deterministic, every sharding gives the losses and norms of one rank up to "
    "rounding") {
  for (const auto& [precision, batch] :
       {std::pair(Precision::fp32, 4), std::pair(Precision::bf16, 8)}) {
    const TrainingJob job = tiny::job(tiny::gpt2(3), batch, 8);
    const tiny::RankResult expected = on_one_rank(job, precision, layout_steps);
    for (const auto& [name, plan] : tiny::sharded_plans(job, precision, 4)) {
      CAPTURE(name);
      CAPTURE(batch);
      check_same_up_to_rounding(tiny::run_on_ranks(job, plan, layout_steps), expected);
    }
  }
}

TEST_CASE("ranks: with every buffer in a block of its own the bits stay") {
  const TrainingJob job = tiny::job(tiny::llama(3), 8, 8);
  for (auto& [name, plan] : tiny::sharded_plans(job, Precision::bf16, 2)) {
    CAPTURE(name);
    check_same_bits(tiny::run_on_ranks(job, plan, 2, true), tiny::run_on_ranks(job, plan, 2));
  }
}
