// What a target cannot express is refused, with what differs and who can; and nothing else is.

#include <doctest/doctest.h>

#include <random>

#include "planner/base/error.h"
#include "tests/report/export_plans.h"
#include "tests/support/text.h"

using namespace aforo;

namespace {

std::string refusal(const PlanFile& file, const std::string& target, const std::string& form = "") {
  try {
    test::exported(file, target, form);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("export refusals: sharding, degrees and recomputation name both values and the way out") {
  PlanFile file = test::export_plan_file("deepspeed", Sharding::zero1);
  const std::string sharding = refusal(file, "accelerate", "fsdp2");
  CHECK(contains(sharding, "accelerate (fsdp2) cannot express sharding zero1"));
  CHECK(contains(sharding, "it has zero2, fsdp, hsdp"));
  CHECK(contains(sharding, "aforo plan --sharding zero2,fsdp,hsdp"));
  CHECK(contains(sharding, "deepspeed"));
  CHECK(refusal(file, "accelerate") == "");  // by its DeepSpeed form

  file.plan.parallel.tp = 2;
  CHECK(contains(refusal(file, "deepspeed"), "tp 2 (it has 1)"));
  CHECK(refusal(file, "megatron") == "");
  file.plan.parallel.tp = 1;
  file.plan.recompute[5] = Recompute::full;
  CHECK(contains(refusal(file, "transformers"), "recompute none x5, full x1, none x26"));
  CHECK(contains(refusal(file, "megatron"), "full on the front layers"));
  CHECK(refusal(file, "deepspeed") == "");  // the model's code decides there
  file.job.optimizer.kind = OptimizerKind::adafactor;
  CHECK(contains(refusal(file, "deepspeed"), "optimizer adafactor"));
  CHECK(contains(refusal(file, "deepspeed"), "`aforo plan --optimizer adamw`"));
}

TEST_CASE("export refusals: one data-parallel rank shards nothing, whatever the plan calls it") {
  CHECK(refusal(test::export_plan_file("deepspeed", Sharding::zero3, 1), "yafsdp") == "");
  const PlanFile alone = test::export_plan_file("torch", Sharding::fsdp, 1);
  CHECK(contains(test::exported(alone, "deepspeed").text, "\"stage\": 0"));
  CHECK(contains(test::exported(alone, "accelerate", "deepspeed").text, "zero_stage: 0"));
}

TEST_CASE("export refusals: models that a target does not know") {
  PlanFile file = test::export_plan_file("torch", Sharding::fsdp);
  file.job.model.name = "mine";
  CHECK(contains(refusal(file, "torchtitan"), "llama-3.1-8b"));
  PlanFile gemma = test::export_plan_file("megatron", Sharding::zero1);
  gemma.job.model.block = BlockKind::sandwich;
  CHECK(contains(refusal(gemma, "megatron"), "block sandwich"));
}

TEST_CASE("export refusals: words of the command line") {
  const PlanFile file = test::export_plan_file("torch", Sharding::fsdp);
  CHECK(contains(refusal(file, "deepsped"), "did you mean deepspeed?"));
  CHECK(contains(refusal(file, "accelerate", "fsdp3"), "fsdp2"));
  CHECK(contains(refusal(file, "slurm", "toml"), "one form only"));
  ExportRequest request = test::request_of(file);
  request.gpus_per_node = 3;
  CHECK_THROWS_WITH_AS(export_plan(choose_target("slurm", request), request),
                       "the plan has 8 devices, which do not fill machines of 3; give "
                       "--gpus-per-node",
                       InputError);
}

TEST_CASE("export: what runs a file is named where the prediction is another engine's") {
  const Exported same =
      test::exported(test::export_plan_file("deepspeed", Sharding::zero2), "deepspeed");
  const Exported other =
      test::exported(test::export_plan_file("torch", Sharding::zero2), "deepspeed");
  CHECK_FALSE(contains(same.notes.front(), "prediction is for engine"));
  CHECK(contains(other.notes.front(), "prediction is for engine torch"));
}

TEST_CASE("export: a random plan is written by a target exactly if nothing differs") {
  std::mt19937 random(11);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  int written = 0, refused = 0;
  for (int i = 0; i < 300; ++i) {
    PlanFile file = test::export_plan_file("torch", static_cast<Sharding>(pick(7)), 4);
    file.plan.precision = static_cast<Precision>(pick(6));
    file.job.optimizer.kind = static_cast<OptimizerKind>(pick(6));
    file.job.schedule.kind = static_cast<ScheduleKind>(pick(3));
    file.plan.offload_states = static_cast<OffloadTo>(pick(2));
    if (pick(3) == 0) file.plan.parallel.tp = 2;
    file.plan.recompute.assign(32, static_cast<Recompute>(pick(3)));
    for (const ExportTarget& target : export_targets()) {
      CAPTURE(target.name);
      const bool expressible = differences(target.expresses, file).empty();
      const std::string error = refusal(file, target.name, target.form);
      CHECK(error.empty() == expressible);
      if (!expressible) CHECK(contains(error, "cannot express"));
      ++(expressible ? written : refused);
    }
  }
  CHECK(written > 1000);
  CHECK(refused > 1000);
}
