// Predicted arena bytes are the high-water mark seen from outside: the arena is filled with a
// pattern before a step, and the highest byte that changed is looked up afterwards.

#include <doctest/doctest.h>

#include "runtime/cpu/backend.h"
#include "tests/support/runner.h"

using namespace aforo;

namespace {

/// High-water mark after two steps and one evaluation.
Bytes touched(const TrainingJob& job, const Plan& plan, Backend& backend) {
  const StepProgram program = lower(job, plan, cpu_target());
  auto executor = backend.load(program);
  executor->fill_pattern();
  executor->initialize(1);
  std::vector<float> control(control::size, 0.0f);
  control[control::loss_scale] = program.initial_loss_scale;
  executor->write(program.ports.control, std::as_bytes(std::span(control)));
  for (int step = 0; step < 2; ++step) {
    executor->run(SectionKind::begin);
    for (int micro = 0; micro < program.grad_accum(); ++micro)
      executor->run(SectionKind::micro_step);
    executor->run(SectionKind::optimizer);
  }
  executor->run(SectionKind::evaluate);
  return executor->touched();
}

/// The last bytes of an arena may be alignment that no buffer covers.
void check_exact(const TrainingJob& job, const Plan& plan, Backend& backend) {
  const Bytes arena = lower(job, plan, cpu_target()).memory.arena;
  const Bytes seen = touched(job, plan, backend);
  CAPTURE(job.model.name);
  CAPTURE(plan.micro_batch_size);
  CHECK(seen <= arena);
  CHECK(arena.value - seen.value < cpu_target().alignment);
}

}  // namespace

TEST_CASE(
    "memory: the arena is exactly what a step touches, over model kind x precision x recompute x "
    "micro-batch") {
  const auto backend = make_cpu_backend(2);
  int n_cases = 0;
  for (const ModelSpec& model : tiny::all_models())
    for (Precision precision : tiny::precisions)
      for (Recompute recompute : tiny::recomputes)
        for (int micro_batch_size : {1, 2, 4}) {
          const TrainingJob job = tiny::job(model);
          check_exact(job, tiny::plan(job, precision, recompute, micro_batch_size), *backend);
          ++n_cases;
        }
  CHECK(n_cases >= 200);
}

TEST_CASE("memory: the arena is exactly what a step touches, for random plans with odd sizes") {
  const auto backend = make_cpu_backend(2);
  for (unsigned seed = 0; seed < 60; ++seed) {
    const tiny::RandomCase random = tiny::random_case(seed);
    CAPTURE(seed);
    check_exact(random.job, random.plan, *backend);
  }
}
