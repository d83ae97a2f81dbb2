// What the program says about memory and traffic is what ranks touch and send.

#include <doctest/doctest.h>

#include <mutex>

#include "planner/base/error.h"
#include "runtime/core/touched.h"
#include "tests/support/rank_plans.h"
#include "tests/support/rank_runner.h"
#include "tests/support/temporary_folder.h"

using namespace aforo;

namespace {

/// High-water mark of every rank, the smallest and the largest.
std::pair<Bytes, Bytes> touched_on_ranks(const StepProgram& program) {
  std::mutex mutex;
  Bytes least{INT64_MAX}, most{0};
  run_ranks(program.n_ranks, tiny::rank_timeout, [&](Communicator& communicator) {
    const auto backend = make_cpu_backend(1);
    const auto executor = backend->load(program, &communicator);
    const Bytes touched = measure_touched(*executor, program).arena;
    const std::scoped_lock lock(mutex);
    least = std::min(least, touched);
    most = std::max(most, touched);
  });
  return {least, most};
}

/// Elements of all flat units, padding included, without the tables where `layers_only`.
double unit_elements(const StepProgram& program, bool matrices, bool layers_only = false) {
  double sum = 0;
  for (const FlatUnit& unit : program.units)
    if (unit.name.ends_with("matrices") == matrices && (!layers_only || unit.name[0] == 'L'))
      sum += static_cast<double>(unit.numel);
  return sum;
}

/// Bytes of collectives on weights and gradients.
double state_bytes(const StepProgram& program) {
  double sum = 0;
  for (const Section& section : program.sections)
    for (int i = section.begin; i < section.end; ++i) {
      const std::string_view part = program.ops[i].label.part;
      if (part == "gather" || part == "reduce")
        sum += sent_bytes(program, program.ops[i]) * static_cast<double>(section.repeat);
    }
  return sum;
}

}  // namespace

TEST_CASE(
    "ranks: the arena is exactly what each rank touches, for every sharding on 1, 2, 3, 4 and 8 "
    "ranks, odd sizes included") {
  int n_cases = 0;
  for (const int dp : {1, 2, 3, 4, 8})
    for (const Precision precision : {Precision::fp32, Precision::bf16}) {
      const int n_micro = (dp + (precision == Precision::bf16 ? 1 : 0)) % 2 + 1;
      ModelSpec model = tiny::llama(dp % 2 + 1);
      model.d_model = 35;  // no multiple of anything
      model.vocab_size = 67;
      const TrainingJob job = tiny::job(model, dp * n_micro, 5);
      for (auto& [name, plan] : tiny::sharded_plans(job, precision, dp)) {
        CAPTURE(dp);
        CAPTURE(name);
        CAPTURE(n_micro);
        plan.deterministic = n_micro == 2 || dp == 1;
        const StepProgram program = lower(job, plan, tiny::rank_target());
        verify(program);
        const auto [least, most] = touched_on_ranks(program);
        CHECK(most <= program.memory.arena);
        CHECK(program.memory.arena - least < Bytes(program.target.alignment));
        ++n_cases;
      }
    }
  CHECK(n_cases == 80);
}

TEST_CASE("ranks: the bytes that a communicator counts are those of the program") {
  constexpr int n_steps = 2;
  for (const int dp : {2, 3, 4})
    for (const bool deterministic : {false, true}) {
      const TrainingJob job = tiny::job(tiny::gpt2(), 2 * dp, 8);
      for (auto& [name, plan] : tiny::sharded_plans(job, Precision::bf16, dp)) {
        CAPTURE(dp);
        CAPTURE(name);
        plan.deterministic = deterministic;
        const tiny::RankResult result = tiny::run_on_ranks(job, plan, n_steps);
        for (const Traffic& traffic : result.traffic)
          CHECK(traffic.ring ==
                doctest::Approx(n_steps * sent_bytes(result.program)).epsilon(1e-12));
      }
    }
}

TEST_CASE("ranks: what a rank moves in a ring is what it copies here, on equal parts") {
  const TrainingJob job = tiny::job(tiny::gpt2(), 4, 8);
  const Plan plan = tiny::rank_plan(job, Precision::bf16, 4, Sharding::zero3);
  const tiny::RankResult result = tiny::run_on_ranks(job, plan, 1);
  double copied = 0, ring = 0;
  for (const Traffic& traffic : result.traffic) {
    copied += static_cast<double>(traffic.copied);
    ring += traffic.ring;
  }
  CHECK(copied == doctest::Approx(ring).epsilon(1e-9));
}

TEST_CASE("traffic: ddp, zero1 and zero2 send 2P a step, zero3 3P, as in the closed forms") {
  for (const int dp : {2, 4, 8}) {
    const TrainingJob job = tiny::job(tiny::llama(4), dp);
    const double share = (dp - 1.0) / dp;
    const auto program = [&](Precision precision, Sharding sharding) {
      return lower(job, tiny::rank_plan(job, precision, dp, sharding), cpu_target());
    };
    for (const Sharding sharding : {Sharding::ddp, Sharding::zero1, Sharding::zero2}) {
      CAPTURE(enum_name(sharding));
      const StepProgram fp32 = program(Precision::fp32, sharding);
      const double p = unit_elements(fp32, true) + unit_elements(fp32, false);
      CHECK(state_bytes(fp32) == doctest::Approx(share * 2 * 4 * p).epsilon(1e-12));
    }
    // Weights that backward does not read are gathered once: the untied embedding table.
    const StepProgram fp32 = program(Precision::fp32, Sharding::zero3);
    double p = unit_elements(fp32, true) + unit_elements(fp32, false), embedding = 0;
    for (const FlatUnit& unit : fp32.units)
      if (unit.name == "embedding.matrices") embedding = static_cast<double>(unit.numel);
    CHECK(state_bytes(fp32) == doctest::Approx(share * 4 * (3 * p - embedding)).epsilon(1e-12));
    // bf16: two gathers of two bytes and a reduction of four for matrices.
    const StepProgram bf16 = program(Precision::bf16, Sharding::zero3);
    const double layers = unit_elements(bf16, true, true), vectors = unit_elements(bf16, false);
    const double head = unit_elements(bf16, true) - layers - embedding;
    const double expected = (layers + head) * (2 * 2 + 4) + embedding * (2 + 4) + vectors * 3 * 4;
    CHECK(state_bytes(bf16) == doctest::Approx(share * expected).epsilon(1e-12));
  }
}

TEST_CASE("traffic: weights that are kept after forward are gathered once, vectors of yafsdp too") {
  const TrainingJob job = tiny::job(tiny::llama(4), 8);
  const auto gathers = [&](Sharding sharding, bool reshard, std::string_view unit) {
    Plan plan = tiny::rank_plan(job, Precision::bf16, 4, sharding);
    plan.parallel.reshard_after_forward = reshard;
    const StepProgram program = lower(job, plan, cpu_target());
    std::int64_t n = 0;
    for (const Section& section : program.sections)
      for (int i = section.begin; i < section.end; ++i)
        if (std::holds_alternative<AllGather>(program.ops[i].attrs) &&
            program.buffers[program.ops[i].reads[0]].name == unit)
          n += section.repeat;
    return n;
  };
  CHECK(gathers(Sharding::fsdp, true, "L01.matrices") == 4);  // two micro-steps
  CHECK(gathers(Sharding::fsdp, false, "L01.matrices") == 2);
  CHECK(gathers(Sharding::fsdp, true, "L01.vectors") == 4);
  CHECK(gathers(Sharding::yafsdp, true, "L01.matrices") == 4);
  CHECK(gathers(Sharding::yafsdp, true, "vectors") == 1);
}

TEST_CASE("yafsdp: two buffers hold the weights of all layers, and two their gradients") {
  const TrainingJob job = tiny::job(tiny::llama(6), 4);
  const StepProgram program =
      lower(job, tiny::rank_plan(job, Precision::bf16, 4, Sharding::yafsdp), cpu_target());
  const auto slot_of = [&](const std::string& name) -> std::string {
    for (const Buffer& buffer : program.buffers)
      if (buffer.name == name) return program.buffers.at(buffer.inside).name;
    return "";
  };
  for (int layer = 0; layer < 6; ++layer) {
    const std::string unit = "L0" + std::to_string(layer) + ".matrices";
    const std::string slot = ".slot" + std::to_string(layer % 2);
    CHECK(slot_of(unit + ".whole") == "weights" + slot);
    CHECK(slot_of(unit + ".whole.again") == "weights" + slot);
    CHECK(slot_of(unit + ".gradient") == "gradients" + slot);
  }
}

TEST_CASE("verify: a layer that is gathered into a slot whose weights are still read is caught") {
  const TrainingJob job = tiny::job(tiny::llama(4), 4);
  StepProgram program =
      lower(job, tiny::rank_plan(job, Precision::bf16, 4, Sharding::yafsdp), cpu_target());
  verify(program);
  // The gather of layer 2 comes before the last product of layer 0, which reads slot 0.
  int gather = -1, product = -1;
  for (int i = 0; i < static_cast<int>(program.ops.size()); ++i) {
    const Op& op = program.ops[i];
    if (op.label.phase != Phase::forward) continue;
    if (op.label.layer == 2 && std::string_view(op.label.part) == "gather") gather = i;
    if (op.label.layer == 0 && std::string_view(op.label.part) == "mlp.down") product = i;
  }
  REQUIRE(product >= 0);
  REQUIRE(gather > product);
  std::rotate(program.ops.begin() + product, program.ops.begin() + gather,
              program.ops.begin() + gather + 1);
  CHECK_THROWS_WITH_AS(verify(program), doctest::Contains("overlap while both are live"),
                       InternalError);
}

TEST_CASE("ranks: sharding takes from each rank what the strategy says, in closed form") {
  const TrainingJob job = tiny::job(tiny::llama(4), 4);
  const auto kept = [&](Sharding sharding, Role role) {
    const StepProgram program =
        lower(job, tiny::rank_plan(job, Precision::bf16, 4, sharding), cpu_target());
    return static_cast<double>(program.memory.persistent_by_role[static_cast<int>(role)].value);
  };
  const StepProgram ddp =
      lower(job, tiny::rank_plan(job, Precision::bf16, 4, Sharding::zero3), cpu_target());
  const double matrices = unit_elements(ddp, true), vectors = unit_elements(ddp, false);
  for (const Sharding sharding : {Sharding::zero1, Sharding::zero2, Sharding::zero3}) {
    CAPTURE(enum_name(sharding));
    CHECK(kept(sharding, Role::optimizer_state) == 8 * (matrices + vectors) / 4);
    CHECK(kept(sharding, Role::master) == 4 * matrices / 4);
    CHECK(kept(sharding, Role::weight) ==
          (2 * matrices + 4 * vectors) / (sharding == Sharding::zero3 ? 4 : 1));
  }
}
