#include "planner/lower/lower.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "planner/base/error.h"
#include "planner/program/lifetimes.h"
#include "planner/spec/model_file.h"
#include "tests/support/tiny.h"

using namespace aforo;

namespace {

int count(const StepProgram& program, std::string_view op, Phase phase) {
  return static_cast<int>(std::count_if(program.ops.begin(), program.ops.end(), [&](const Op& o) {
    return name_of(o) == op && o.label.phase == phase;
  }));
}

std::int64_t parameters_in(const StepProgram& program) {
  std::int64_t total = 0;
  for (BufferId id : program.parameters) total += program.buffers[id].shape.numel();
  return total;
}

double flops_of(const StepProgram& program, Phase phase) {
  double total = 0;
  for (const Op& op : program.ops)
    if (op.label.phase == phase) total += cost_of(program, op).flops;
  return total;
}

}  // namespace

TEST_CASE(
    "lower: every model kind, precision, recomputation and micro-batch gives a program that "
    "verifies") {
  for (const Target& target : {cpu_target(), cuda_target()})
    for (const ModelSpec& model : tiny::all_models())
      for (Precision precision : tiny::precisions)
        for (Recompute recompute : tiny::recomputes)
          for (int micro_batch_size : {1, 2, 4}) {
            const TrainingJob job = tiny::job(model);
            CAPTURE(model.name);
            CAPTURE(micro_batch_size);
            CHECK_NOTHROW(verify(
                lower(job, tiny::plan(job, precision, recompute, micro_batch_size), target)));
          }
}

TEST_CASE("lower: a thousand random plans verify") {
  for (unsigned seed = 0; seed < 1000; ++seed) {
    const tiny::RandomCase random = tiny::random_case(seed);
    CAPTURE(seed);
    CHECK_NOTHROW(verify(lower(random.job, random.plan, cpu_target())));
  }
}

TEST_CASE("lower: verify holds after every pass") {
  const TrainingJob job = tiny::job(tiny::gemma());
  const Plan plan = tiny::plan(job, Precision::bf16, Recompute::full, 2);
  for (const std::string& pass : pass_names()) {
    CAPTURE(pass);
    CHECK_NOTHROW(verify(lower_until(job, plan, cpu_target(), pass)));
  }
}

TEST_CASE("lower: declares exactly the parameters that the closed form counts") {
  for (const ModelSpec& model : tiny::all_models(3)) {
    const TrainingJob job = tiny::job(model);
    CAPTURE(model.name);
    for (Precision precision : tiny::precisions)
      CHECK(parameters_in(lower(job, tiny::plan(job, precision, Recompute::none, 1),
                                cpu_target())) == count_parameters(model).total());
  }
}

TEST_CASE("lower: forward and backward products without recomputation are the causal model FLOPs") {
  // The program counts t (t + 1) / 2 visible pairs, the convention t^2 / 2, and attention backward
  // takes five products where the convention counts four; both differences are taken out here, the
  // matrix products must agree exactly.
  for (const ModelSpec& model : {tiny::gpt2(), tiny::llama(), tiny::neox()}) {
    const TrainingJob job = tiny::job(model);
    const StepProgram program =
        lower(job, tiny::plan(job, Precision::fp32, Recompute::none, 4), cpu_target());
    double products = 0;
    for (const Op& op : program.ops)
      if (std::holds_alternative<Gemm>(op.attrs) && op.label.phase != Phase::evaluate)
        products += cost_of(program, op).flops;
    const double attention = 6.0 * model.n_layers * model.q_width() * job.seq_len;
    const double expected =
        (flops_per_token(model, job.seq_len).causal - attention) * job.tokens_per_step();
    CAPTURE(model.name);
    CHECK(products == doctest::Approx(expected).epsilon(1e-12));
  }
}

TEST_CASE("recompute: full runs less than one forward again, selective no matrix product at all") {
  for (const ModelSpec& model : tiny::all_models()) {
    const TrainingJob job = tiny::job(model);
    CAPTURE(model.name);
    const StepProgram full =
        lower(job, tiny::plan(job, Precision::fp32, Recompute::full, 4), cpu_target());
    CHECK(flops_of(full, Phase::recompute) > 0);
    CHECK(flops_of(full, Phase::recompute) < flops_of(full, Phase::forward));
    const StepProgram selective =
        lower(job, tiny::plan(job, Precision::fp32, Recompute::selective, 4), cpu_target());
    CHECK(count(selective, "gemm", Phase::recompute) == 0);
    CHECK(count(selective, "attention", Phase::recompute) == 0);
    CHECK(flops_of(selective, Phase::recompute) > 0);
  }
}

TEST_CASE("recompute: the more is computed again, the smaller the peak") {
  for (const ModelSpec& model : tiny::all_models(6)) {
    const TrainingJob job = tiny::job(model, 16);
    CAPTURE(model.name);
    std::int64_t last = INT64_MAX;
    for (Recompute recompute : tiny::recomputes) {
      const StepProgram program =
          lower(job, tiny::plan(job, Precision::bf16, recompute, 16), cpu_target());
      CHECK(program.memory.arena.value < last);
      last = program.memory.arena.value;
    }
  }
}

TEST_CASE("recompute: only the layers that are named run again") {
  const TrainingJob job = tiny::job(tiny::gpt2(4));
  Plan plan = tiny::plan(job, Precision::fp32, Recompute::none, 1);
  plan.recompute[1] = plan.recompute[3] = Recompute::full;
  const StepProgram program = lower(job, plan, cpu_target());
  std::set<int> layers;
  for (const Op& op : program.ops)
    if (op.label.phase == Phase::recompute) layers.insert(op.label.layer);
  CHECK(layers == std::set<int>{1, 3});
}

TEST_CASE("schedule: one micro-step needs no cleared gradients, several clear each gradient once") {
  const TrainingJob job = tiny::job(tiny::llama(), 4);
  const StepProgram one =
      lower(job, tiny::plan(job, Precision::fp32, Recompute::none, 4), cpu_target());
  CHECK(one.grad_accum() == 1);
  CHECK(count(one, "fill", Phase::setup) == 1);  // the loss sum
  const StepProgram four =
      lower(job, tiny::plan(job, Precision::fp32, Recompute::none, 1), cpu_target());
  CHECK(four.grad_accum() == 4);
  CHECK(count(four, "fill", Phase::setup) == 1 + static_cast<int>(four.parameters.size()));
}

TEST_CASE("schedule: accumulated gradients live through the whole micro-step section") {
  const TrainingJob job = tiny::job(tiny::gpt2(), 4);
  const StepProgram program =
      lower(job, tiny::plan(job, Precision::bf16, Recompute::none, 1), cpu_target());
  const std::vector<Lifetime> lives = lifetimes(program);
  const Section& micro = program.section(SectionKind::micro_step);
  for (std::size_t id = 0; id < program.buffers.size(); ++id) {
    if (program.buffers[id].role != Role::gradient) continue;
    CHECK(lives[id].first <= micro.begin);
    CHECK(lives[id].last >= micro.end - 1);
  }
}

TEST_CASE(
    "gradients: a residual hands one buffer to both branches without a copy in a sequential "
    "block") {
  const TrainingJob job = tiny::job(tiny::gpt2());
  const StepProgram program =
      lower(job, tiny::plan(job, Precision::fp32, Recompute::none, 4), cpu_target());
  CHECK(count(program, "add", Phase::backward) == 0);
}

TEST_CASE(
    "gradients: side-by-side branches do not add into a gradient that the other branch still "
    "reads") {
  const TrainingJob job = tiny::job(tiny::neox());
  const StepProgram program =
      lower(job, tiny::plan(job, Precision::fp32, Recompute::none, 4), cpu_target());
  CHECK(count(program, "add", Phase::backward) > 0);
}

TEST_CASE("optimizer: decay applies to matrices and tables only") {
  const TrainingJob job = tiny::job(tiny::gpt2());
  const StepProgram program =
      lower(job, tiny::plan(job, Precision::fp32, Recompute::none, 4), cpu_target());
  for (const Op& op : program.ops) {
    const auto* adamw = std::get_if<AdamW>(&op.attrs);
    if (adamw == nullptr) continue;
    const Buffer& weight = program.buffers[op.reads[1]];
    CAPTURE(weight.name);
    CHECK((adamw->weight_decay > 0) == (weight.shape.rank == 2));
  }
}

TEST_CASE(
    "memory: mixed precision keeps 2 + 4 + 8 bytes a matrix parameter beside gradients, fp32 keeps "
    "12") {
  const TrainingJob job = tiny::job(tiny::llama(), 1);
  const auto persistent = [&](Precision precision) {
    const StepProgram program =
        lower(job, tiny::plan(job, precision, Recompute::none, 1), cpu_target());
    std::int64_t bytes = 0;
    for (const Buffer& buffer : program.buffers)
      if (buffer.persistent && buffer.shape.rank == 2) bytes += buffer.bytes().value;
    return bytes;
  };
  std::int64_t matrices = 0;
  const StepProgram program =
      lower(job, tiny::plan(job, Precision::fp32, Recompute::none, 1), cpu_target());
  for (BufferId id : program.parameters)
    if (program.buffers[id].shape.rank == 2) matrices += program.buffers[id].shape.numel();
  CHECK(persistent(Precision::fp32) == 12 * matrices);
  CHECK(persistent(Precision::bf16) == 14 * matrices);
}

TEST_CASE("lower: impossible jobs are refused with both values") {
  TrainingJob job = tiny::job(tiny::gpt2(), 4);
  CHECK_THROWS_WITH_AS(
      lower(job, tiny::plan(job, Precision::fp32, Recompute::none, 3), cpu_target()),
      "micro_batch_size 3 x dp 1 = 3 does not divide global_batch_size 4", InputError);
  job.seq_len = 17;
  CHECK_THROWS_AS(lower(job, tiny::plan(job, Precision::fp32, Recompute::none, 1), cpu_target()),
                  InputError);
  job.seq_len = 16;
  Plan plan = tiny::plan(job, Precision::fp32, Recompute::none, 1);
  plan.recompute.pop_back();
  CHECK_THROWS_WITH_AS(lower(job, plan, cpu_target()),
                       "recompute names 1 layers, but gpt2-tiny has n_layers 2", InputError);
  CHECK_THROWS_AS(
      lower_until(job, tiny::plan(job, Precision::fp32, Recompute::none, 1), cpu_target(), "shard"),
      InputError);
}

TEST_CASE("lower: experts, latent attention and sinks are refused by what the model has of them") {
  const auto error = [](auto change) {
    TrainingJob job = tiny::job(tiny::llama());
    change(job.model);
    REQUIRE(model_problem(job.model) == "");
    const Plan plan = tiny::plan(job, Precision::fp32, Recompute::none, 1);
    std::string message;
    try {
      lower(job, plan, cpu_target());
    } catch (const InputError& refusal) {
      message = refusal.what();
    }
    return message;
  };
  CHECK(error([](ModelSpec& m) {
          m.moe = {8, 2, 16};
          m.mlp.d_ff = 0;
        }) ==
        "native cannot execute mixtures of experts yet: llama-tiny has 8 experts, top_k 2; "
        "estimate and plan for another engine work");
  CHECK(error([](ModelSpec& m) {
          m.attention.mla = {0, 16, 8, 8, 8};
          m.attention.n_kv_heads = m.attention.n_heads;
          m.attention.head_dim = 16;
        }) ==
        "native cannot execute latent attention yet: llama-tiny has kv_lora_rank 16; "
        "estimate and plan for another engine work");
  CHECK(error([](ModelSpec& m) { m.attention.sinks = true; }) ==
        "native cannot execute attention sinks yet: llama-tiny has one a head; estimate and plan "
        "for another engine work");
  CHECK(error([](ModelSpec&) {}) == "");
}

TEST_CASE("fingerprint: equal for equal plans, different when anything that is executed differs") {
  const TrainingJob job = tiny::job(tiny::gpt2(), 4);
  const Plan plan = tiny::plan(job, Precision::fp32, Recompute::none, 2);
  const std::string base = fingerprint(lower(job, plan, cpu_target()));
  CHECK(base.size() == 12);
  CHECK(base == fingerprint(lower(job, plan, cpu_target())));
  CHECK(base != fingerprint(lower(job, plan, cuda_target())));
  CHECK(base != fingerprint(lower(job, tiny::plan(job, Precision::fp32, Recompute::full, 2),
                                  cpu_target())));
  CHECK(base != fingerprint(lower(job, tiny::plan(job, Precision::fp32, Recompute::none, 4),
                                  cpu_target())));
  TrainingJob decay = job;
  decay.optimizer.weight_decay = 0.2;
  CHECK(base != fingerprint(lower(decay, plan, cpu_target())));
}
