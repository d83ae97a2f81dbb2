// Phases of a run: they add up to a step, and sizes on device, host and disk are what adding up
// gives.

#include "planner/search/phases.h"

#include <doctest/doctest.h>

#include <map>

#include "planner/fast/setup_of_job.h"
#include "planner/lower/lower.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/model_file.h"

using namespace aforo;

namespace {

struct PhasedRun {
  TrainingJob job;
  AcceleratorSpec card = find_accelerator("h100");
  std::vector<fast::EngineSpec> engines = fast::all_engines();
  fast::Constants constants = fast::Constants::load();
  fast::PublishedRanges ranges = fast::PublishedRanges::load();
  fast::Cluster cluster;
  LayoutEstimate estimate;
  std::map<std::string, PhaseCost> phases;

  PhasedRun(const char* engine_name, Sharding sharding, int n_devices,
            OffloadTo states = OffloadTo::none, Method method = Method::full) {
    job.model = find_model("llama-3.1-8b");
    job.seq_len = 4096;
    job.global_batch_size = 16;
    job.n_tokens = 1'000'000;
    job.method = method;
    Plan plan;
    plan.recompute.assign(job.model.n_layers, Recompute::full);
    plan.parallel.dp = n_devices;
    plan.parallel.sharding = sharding;
    plan.offload_states = states;
    cluster = fast::cluster_of(card, n_devices);
    const fast::EngineSpec& engine = fast::find_engine(engines, engine_name);
    const fast::Setup setup = fast::setup_of(job, plan, engine, card);
    estimate = estimate_layout(job, setup, cluster, engine, constants, ranges);
    for (const PhaseCost& phase : phases_of(setup, cluster, engine, estimate))
      phases.emplace(phase.name, phase);
  }
  double n_params() const { return static_cast<double>(count_parameters(job.model).total()); }
};

}  // namespace

TEST_CASE("phases: forward, backward and the update add up to a step, whatever the engine") {
  for (auto [engine, sharding] : {std::pair{"torch", Sharding::fsdp},
                                  {"deepspeed", Sharding::zero3},
                                  {"deepspeed", Sharding::zeropp},
                                  {"megatron", Sharding::zero1}}) {
    PhasedRun run(engine, sharding, 8);
    auto& p = run.phases;
    CAPTURE(engine);
    const double sum = p["forward"].seconds + p["backward"].seconds + p["optimizer step"].seconds;
    CHECK(sum == doctest::Approx(run.estimate.time.step).epsilon(1e-9));
    CHECK(p["forward"].seconds > 0.15 * sum);  // a quarter with everything computed again
    CHECK(p["forward"].seconds < 0.34 * sum);
    CHECK(p["evaluation"].device < p["steady step"].device);
    double peak = 0;
    for (const char* name : {"load", "forward", "backward", "optimizer step"})
      peak = std::max(peak, p[name].device);
    CHECK(peak == doctest::Approx(p["steady step"].device));
  }
}

TEST_CASE("phases: PyTorch's first forward and backward pass run before its moments exist") {
  PhasedRun torch("torch", Sharding::ddp, 1), deepspeed("deepspeed", Sharding::ddp, 1);
  CHECK(torch.phases["first step"].device <= torch.phases["steady step"].device);
  CHECK(deepspeed.phases["first step"].device == deepspeed.phases["steady step"].device);
}

TEST_CASE("phases: a checkpoint of DeepSpeed holds 14 bytes a parameter, shared by the writers") {
  // 2 of the weights, 4 of the masters, 8 of the moments; eight ranks at 25.6 / 8 GB/s.
  PhasedRun run("deepspeed", Sharding::zero3, 8);
  const PhaseCost& saving = run.phases["saving"];
  CHECK(saving.disk == doctest::Approx(14 * run.n_params()).epsilon(1e-6));
  CHECK(saving.seconds == doctest::Approx(14 * run.n_params() / 25.6e9).epsilon(1e-6));
  CHECK(saving.host == doctest::Approx(14 * run.n_params() / 8).epsilon(1e-6));
}

TEST_CASE("phases: loading reads two bytes a parameter once a machine") {
  PhasedRun sharded("deepspeed", Sharding::zero3, 8), whole("deepspeed", Sharding::ddp, 8);
  for (PhasedRun* run : {&sharded, &whole}) {
    const PhaseCost& load = run->phases["load"];
    CHECK(load.seconds == doctest::Approx(2 * run->n_params() / 25.6e9).epsilon(1e-6));
    CHECK(load.disk == doctest::Approx(2 * run->n_params()).epsilon(1e-6));
  }
  CHECK(whole.phases["load"].host == doctest::Approx(8 * sharded.phases["load"].host));
}

TEST_CASE("phases: adapters are all that LoRA saves") {
  PhasedRun full("torch", Sharding::fsdp, 8);
  PhasedRun lora("torch", Sharding::fsdp, 8, OffloadTo::none, Method::lora);
  CHECK(lora.phases["saving"].disk < 0.02 * full.phases["saving"].disk);
  CHECK(lora.phases["load"].disk == full.phases["load"].disk);
}

TEST_CASE("phases: states on drives take their bytes there in every step") {
  PhasedRun run("deepspeed", Sharding::zero3, 8, OffloadTo::nvme);
  CHECK(run.phases["steady step"].disk == doctest::Approx(12 * run.n_params()).epsilon(1e-6));
  CHECK(run.phases["optimizer step"].seconds > 0.5 * run.estimate.time.offload);
}

TEST_CASE("phases: a native program's phases add up to its step and peak at its arena") {
  TrainingJob job;
  job.model = find_model("gpt2");
  job.seq_len = 512;
  job.global_batch_size = 4;
  job.n_tokens = 1'000'000;
  Plan plan;
  plan.recompute.assign(job.model.n_layers, Recompute::none);
  plan.micro_batch_size = 4;
  const StepProgram program = lower(job, plan, cuda_target());
  const auto model = spec_cost_model(find_accelerator("h100"));
  const Estimate estimate = simulate(program, job, plan, *model);
  std::map<std::string, PhaseCost> phases;
  double highest = 0;
  for (const PhaseCost& phase : phases_of(program, estimate)) phases.emplace(phase.name, phase);
  for (const char* name : {"forward", "backward", "optimizer step"})
    highest = std::max(highest, phases[name].device);
  CHECK(phases["forward"].seconds + phases["backward"].seconds + phases["optimizer step"].seconds ==
        doctest::Approx(estimate.step_time.mid).epsilon(1e-9));
  CHECK(highest <= phases["steady step"].device * (1 + 1e-9));
  // bf16 matrices, fp32 masters and two moments of 124 million parameters.
  CHECK(phases["saving"].disk ==
        doctest::Approx(14.0 * static_cast<double>(count_parameters(job.model).total()))
            .epsilon(0.01));
}
