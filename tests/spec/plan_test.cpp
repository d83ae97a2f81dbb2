#include "planner/spec/plan.h"

#include <doctest/doctest.h>

#include "planner/spec/checks.h"
#include "planner/spec/enum_tables.h"
#include "planner/spec/model_file.h"
#include "tests/base/thrown.h"
#include "tests/spec/samples.h"

namespace aforo {
namespace {

constexpr Recompute none = Recompute::none, selective = Recompute::selective,
                    full = Recompute::full;
using Layers = std::vector<Recompute>;

}  // namespace

TEST_CASE("plan: 16-bit recipes keep fp32 masters, and only fp16 scales the loss") {
  CHECK(recipe_of(Precision::fp32).compute == Dtype::fp32);
  CHECK_FALSE(recipe_of(Precision::fp32).master_weights);
  CHECK(recipe_of(Precision::bf16).compute == Dtype::bf16);
  CHECK(recipe_of(Precision::bf16).master_weights);
  CHECK_FALSE(recipe_of(Precision::bf16).loss_scaling);
  CHECK(recipe_of(Precision::fp16).compute == Dtype::fp16);
  CHECK(recipe_of(Precision::fp16).loss_scaling);
}

TEST_CASE("plan: recompute is described as one word or as runs, front layers first") {
  CHECK(describe_recompute({none, none}) == "none");
  CHECK(describe_recompute({full, full, none}) == "full x2, none x1");
  CHECK(describe_recompute({selective, full, none}) == "selective x1, full x1, none x1");
}

TEST_CASE("plan: what describe_recompute writes is read back as the same layers") {
  test::Samples samples(51);
  for (int i = 0; i < 500; ++i) {
    const int n_layers = samples.between(1, 60);
    const Layers layers = samples.plan(n_layers).recompute;
    REQUIRE(parse_recompute(describe_recompute(layers), n_layers) == layers);
  }
}

TEST_CASE("plan: every K is full on layers 0, K, 2K and none between") {
  CHECK(parse_recompute("every 2", 5) == Layers{full, none, full, none, full});
  CHECK(parse_recompute("every 1", 2) == Layers{full, full});
  CHECK(parse_recompute("every 9000000000000000000", 2) == Layers{full, none});
}

TEST_CASE("plan: recompute that does not name every layer once is refused") {
  for (const char* text :
       {"", "some", "full x2", "full x4", "full x0, none x3", "full x-1, none x4", "full, none x2",
        "full x1 none x2", "full x1,, none x2", "every 0", "every", "every x",
        "full x99999999999999999999", "none x2, full x1,"})
    CHECK_MESSAGE(test::input_error([&] {
                    parse_recompute(text, 3);
                  }).find("that name all 3 layers") != std::string::npos,
                  text);
}

TEST_CASE("plan: the enumerators are spelled in files as in the code") {
  CHECK(enum_name(Precision::bf16) == "bf16");
  CHECK(enum_name(Recompute::selective) == "selective");
  CHECK(enum_name(Origin::calibrated) == "calibrated");
  CHECK(enum_name(Dtype::int32) == "int32");
  CHECK(*find_enum<ActivationKind>("swiglu") == ActivationKind::swiglu);
  CHECK(find_enum<ActivationKind>("Swiglu") == nullptr);
}

TEST_CASE("plan: sizes whose bytes would leave 62 bits are named, ordinary ones are not") {
  TrainingJob job;
  job.model = find_model("llama-3.1-405b");
  job.seq_len = 131072;
  Plan plan;
  plan.micro_batch_size = 64;
  CHECK(size_problem(job, plan).empty());
  job.seq_len = plan.micro_batch_size = 1 << 27;
  CHECK(
      size_problem(job, plan) ==
      "micro_batch_size is 134217728 with seq_len 134217728; a micro-step of llama-3.1-405b would "
      "need more than 2^62 bytes");
}

}  // namespace aforo
