// Looks around one plan.

#include "planner/explain/study.h"

#include <doctest/doctest.h>

#include "planner/fast/setup_of_job.h"
#include "tests/explain/world.h"

using namespace aforo;
using test::Question;

TEST_CASE(
    "study: memory grows with sequence and micro-batch, and the plan's own cell is the plan") {
  const Question question("llama-3.1-8b", "h100-sxm", 8, 4096, 2, "deepspeed");
  explain::Variant plan = question.baseline;
  plan.setup.parallel.sharding = Sharding::zero3;
  const explain::FitStudy study = explain::fit_study(plan, question.world);
  for (std::size_t i = 0; i < study.cells.size(); ++i)
    for (std::size_t j = 0; j < study.cells[i].size(); ++j) {
      const double bytes = study.cells[i][j].device_bytes;
      if (i > 0) CHECK(study.cells[i - 1][j].device_bytes <= bytes);
      if (j > 0) CHECK(study.cells[i][j - 1].device_bytes <= bytes);
      if (study.seq_lens[i] == 4096 && study.micro_batch_sizes[j] == 2)
        CHECK(bytes == explain::evaluate(plan, question.world).device_bytes);
    }
}

TEST_CASE("study: learned positions bound the sequence length") {
  const Question question("gpt2", "rtx-4090", 1, 1024, 1, "native");
  for (const int seq_len : explain::fit_study(question.baseline, question.world).seq_lens)
    CHECK(seq_len <= 1024);
}

TEST_CASE("study: the ladder ends at the plan, with one rung for each of its choices") {
  const Question question("llama-3.1-8b", "h100-sxm", 8, 4096, 1, "deepspeed");
  explain::Variant plan = question.baseline;
  plan.setup.parallel.sharding = Sharding::zero3;
  plan.setup.recompute.full_layers = 32;
  plan.setup.offload_states = OffloadTo::cpu;
  const auto rungs = explain::ladder(plan, question.world);
  REQUIRE(rungs.size() == 5);
  CHECK(rungs[0].name == "fp32, nothing computed again, plain data parallelism");
  CHECK(rungs[1].name == "bf16");
  CHECK(rungs[2].name == "sharding zero3");
  CHECK(rungs[3].name == "recompute full on 32 layers");
  CHECK(rungs[4].name == "optimizer states to cpu");
  const explain::Outcome end = explain::evaluate(plan, question.world);
  CHECK(rungs.back().outcome.device_bytes == end.device_bytes);
  CHECK(rungs.back().outcome.step_s == end.step_s);
}

TEST_CASE("study: a faster card never takes longer, and what is not there sways nothing") {
  const Question question("llama-3.1-8b", "h100-sxm", 8, 4096);
  const auto sways = explain::sensitivity(question.baseline, question.world);
  REQUIRE_FALSE(sways.empty());
  CHECK(sways.front().name == "matrix rate of the card");
  for (const explain::Sway& sway : sways) {
    CHECK(sway.low >= sway.high);
    CHECK(sway.name != "network between machines");
  }
}
