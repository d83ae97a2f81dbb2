// Examples of different lengths in the fast evaluation: packing and padding against cases worked by
// hand.

#include <doctest/doctest.h>

#include "planner/fast/memory.h"
#include "planner/fast/setup_of_job.h"
#include "planner/fast/time.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/model_file.h"

namespace aforo::fast {
namespace {

struct ExamplesRun {
  AcceleratorSpec card = find_accelerator("h100");
  Constants constants = Constants::load();
  std::vector<EngineSpec> engines = all_engines();
  TrainingJob job;
  Plan plan;

  ExamplesRun(const char* lengths, Batching batching, int seq_len, int micro_batch_size = 4) {
    job.model = find_model("llama-3.2-1b");
    job.seq_len = seq_len;
    job.global_batch_size = 64;
    if (lengths != nullptr) {
      job.examples.n_examples = 6400;
      job.examples.batching = batching;
      job.examples.lengths = parse_lengths(lengths);
    }
    plan.recompute.assign(job.model.n_layers, Recompute::none);
    plan.micro_batch_size = micro_batch_size;
  }
  const EngineSpec& engine() const { return find_engine(engines, "torch"); }
  Setup setup() const { return setup_of(job, plan, engine(), card); }
  double step() const {
    const Cluster cluster = cluster_of(card, plan.parallel.dp);
    return time_parts(setup(), cluster, rate_recipe(constants, cluster, engine()).rates(constants))
        .step;
  }
  MemoryParts memory() const { return memory_parts(setup(), engine()); }
};

}  // namespace

TEST_CASE("examples: all alike and padded they take what a stream of that length takes") {
  ExamplesRun padded("1024", Batching::padding, 1024), stream(nullptr, Batching::padding, 1024);
  CHECK(padded.step() == doctest::Approx(stream.step()).epsilon(1e-12));
  CHECK(padded.memory().allocated() == doctest::Approx(stream.memory().allocated()));
  CHECK(padded.job.tokens_per_step() == stream.job.tokens_per_step());
}

TEST_CASE("examples: the longest batch decides the memory, the average one the time") {
  // Half 512 and half 2,048: one sequence of four is longest in 15 of 16 batches, so time is that
  // of 1,952 tokens, memory that of 2,048, and 1,280 tokens an example are learned from.
  ExamplesRun run("512:0.5, 2048:0.5", Batching::padding, 2048);
  const ExamplesRun mean("1952", Batching::padding, 1952),
      longest(nullptr, Batching::padding, 2048);
  CHECK(run.step() == doctest::Approx(mean.step()).epsilon(1e-9));
  CHECK(run.step() < longest.step());
  CHECK(run.memory().allocated() == doctest::Approx(longest.memory().allocated()));
  CHECK(run.job.tokens_per_step() == 64 * 1280);
  run.job.n_tokens = 6400 * 1280;
  CHECK(run.job.n_steps() == 100);  // 6,400 examples, 64 a step
}

TEST_CASE("examples: more ranks wait for longer batches") {
  ExamplesRun one("512:0.5, 2048:0.5", Batching::padding, 2048, 1), eight = one;
  eight.plan.parallel.dp = 8;
  CHECK(one.setup().time_len() == doctest::Approx(1280));
  CHECK(eight.setup().time_len() == doctest::Approx(2048 - 1536.0 / 256));
}

TEST_CASE("examples: packed they cost a stream's products and less attention") {
  ExamplesRun packed("512:0.5, 2048:0.5", Batching::packing, 8192),
      stream(nullptr, Batching::packing, 8192);
  // A token's example has (512^2 + 2048^2) / (512 + 2048) = 1,741 tokens on average.
  CHECK(packed.setup().document_len == 1741);
  CHECK(packed.step() < stream.step());
  CHECK(packed.memory().allocated() == doctest::Approx(stream.memory().allocated()));
  CHECK(packed.job.tokens_per_step() == stream.job.tokens_per_step());
}

}  // namespace aforo::fast
