// The training loop, checkpoints and probes on the CPU backend.

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <span>

#include "planner/base/error.h"
#include "planner/lower/lower.h"
#include "runtime/core/checkpoint.h"
#include "runtime/core/probe_grid.h"
#include "runtime/core/training_loop.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny.h"

using namespace aforo;

namespace {

/// Text with something to learn: 37 letters over and over.
std::string text() {
  std::string result;
  for (int i = 0; i < 4000; ++i) result += static_cast<char>((i * i) % 37);
  return result;
}

/// One program on two threads, trained step by step on the text.
class Trainer {
 public:
  Trainer(const TrainingJob& job, const Plan& plan)
      : program_(lower(job, plan, cpu_target())),
        backend_(make_cpu_backend(2)),
        executor_(backend_->load(program_)),
        tokens_({folder_.write("text", text()), 1, job.seq_len, 61, 0.1}) {
    initialize(*executor_, program_, 1);
  }

  Measurement train(std::int64_t first, std::int64_t end, LoopOptions options = {}) {
    options.first_step = first;
    options.n_steps = end;
    options.learning_rate = [](std::int64_t step) { return step < 2 ? 1e-3 : 1e-2; };
    return aforo::train(*executor_, program_, tokens_, options);
  }
  std::vector<double> losses(std::int64_t first, std::int64_t end, std::int64_t n_profiled = 0) {
    LoopOptions options;
    options.profile_steps = n_profiled;
    std::vector<double> result;
    for (const StepRecord& step : train(first, end, options).steps) result.push_back(step.loss);
    return result;
  }

  void save(const TemporaryFolder& folder, std::int64_t n_steps_done) const {
    save_checkpoint(folder.path(), *executor_, program_, {n_steps_done, "job"});
  }
  std::int64_t load(const TemporaryFolder& folder) {
    return load_checkpoint(folder.path(), *executor_, program_, "job").n_steps_done;
  }

  const StepProgram& program() const { return program_; }
  Executor& executor() { return *executor_; }

 private:
  TemporaryFolder folder_;
  StepProgram program_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Executor> executor_;
  TokenFile tokens_;
};

std::vector<double> joined(std::vector<double> front, const std::vector<double>& back) {
  front.insert(front.end(), back.begin(), back.end());
  return front;
}

}  // namespace

TEST_CASE("training: the loss of a tiny model falls by half in 60 steps") {
  const TrainingJob job = tiny::job(tiny::gpt2(), 8);
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    Trainer trainer(job, tiny::plan(job, precision, Recompute::none, 4));
    const std::vector<double> losses = trainer.losses(0, 60);
    CHECK(losses.front() == doctest::Approx(std::log(61.0)).epsilon(0.05));  // knows nothing yet
    CHECK(losses.back() < losses.front() / 2);
  }
}

TEST_CASE("training: three steps, a checkpoint and three more are six steps, bit for bit") {
  TrainingJob job = tiny::job(tiny::llama(), 4);
  for (const OptimizerKind kind : {OptimizerKind::adamw, OptimizerKind::sgd}) {
    for (const Precision precision : tiny::precisions) {
      job.optimizer.kind = kind;
      const Plan plan = tiny::plan(job, precision, Recompute::none, 2);
      const std::vector<double> whole = Trainer(job, plan).losses(0, 6);
      const TemporaryFolder folder;
      Trainer before(job, plan), after(job, plan);
      const std::vector<double> front = before.losses(0, 3);
      before.save(folder, 3);
      const std::int64_t n_steps_done = after.load(folder);
      CHECK(n_steps_done == 3);
      CHECK(joined(front, after.losses(n_steps_done, 6)) == whole);
    }
  }
}

TEST_CASE("training: it resumes bit for bit under another recomputation") {
  const TrainingJob job = tiny::job(tiny::gpt2(3), 4);
  const Plan none = tiny::plan(job, Precision::bf16, Recompute::none, 2);
  const std::vector<double> whole = Trainer(job, none).losses(0, 6);
  for (const Recompute recompute : {Recompute::selective, Recompute::full}) {
    const TemporaryFolder folder;
    Trainer before(job, none);
    const std::vector<double> front = before.losses(0, 3);
    before.save(folder, 3);
    Trainer after(job, tiny::plan(job, Precision::bf16, recompute, 2));
    CHECK(joined(front, after.losses(after.load(folder), 6)) == whole);
  }
}

TEST_CASE("training: it resumes under another micro-batch size with the same losses") {
  const TrainingJob job = tiny::job(tiny::gpt2(), 4);
  const Plan small = tiny::plan(job, Precision::fp32, Recompute::none, 1);
  const std::vector<double> whole = Trainer(job, small).losses(0, 6);
  const TemporaryFolder folder;
  Trainer before(job, small);
  before.losses(0, 3);
  before.save(folder, 3);
  Trainer after(job, tiny::plan(job, Precision::fp32, Recompute::none, 4));
  const std::vector<double> rest = after.losses(after.load(folder), 6);
  REQUIRE(rest.size() == 3);
  // The order in which gradients are added differs: 2^-24 per sum, and AdamW's first steps divide a
  // gradient by its own size, so that each weight may move by up to its whole update differently
  // where gradients are rounding noise. Losses have stayed within 1e-6; a wrong state gives 1e-2.
  for (int i = 0; i < 3; ++i) CHECK(rest[i] == doctest::Approx(whole[3 + i]).epsilon(1e-4));
}

TEST_CASE("training: profiled steps give the losses of plain ones, bit for bit") {
  const TrainingJob job = tiny::job(tiny::gemma(), 4);
  const Plan plan = tiny::plan(job, Precision::bf16, Recompute::selective, 2);
  CHECK(Trainer(job, plan).losses(0, 6, 3) == Trainer(job, plan).losses(0, 6, 0));
}

TEST_CASE("training: the validation loss does not depend on the micro-batch size") {
  const TrainingJob job = tiny::job(tiny::gpt2(), 4);
  std::vector<double> losses;
  for (const int micro_batch_size : {1, 2, 4}) {
    Trainer trainer(job, tiny::plan(job, Precision::fp32, Recompute::none, micro_batch_size));
    LoopOptions options;
    options.evaluate_every = 1;
    options.evaluate_batches = 3;
    losses.push_back(trainer.train(0, 1, options).evaluations.at(0).loss);
  }
  // Same windows, same order of the sum; products of other sizes may round differently.
  CHECK(losses[1] == doctest::Approx(losses[0]).epsilon(1e-5));
  CHECK(losses[2] == doctest::Approx(losses[0]).epsilon(1e-5));
}

TEST_CASE("training: a step touches the planned arena up to its last buffer, and no further") {
  for (const ModelSpec& model : {tiny::gpt2(), tiny::llama()}) {
    for (const int micro_batch_size : {1, 4}) {
      const TrainingJob job = tiny::job(model, 4);
      Trainer trainer(job, tiny::plan(job, Precision::bf16, Recompute::none, micro_batch_size));
      const Bytes touched = measure_touched(trainer.executor(), trainer.program()).arena;
      const Bytes arena = trainer.program().memory.arena;
      CHECK(touched <= arena);
      CHECK(touched > arena - Bytes(trainer.program().target.alignment));
    }
  }
}

TEST_CASE("training: a step updates all weights, masters and optimizer states that are planned") {
  for (const Precision precision : {Precision::fp32, Precision::bf16, Precision::fp16}) {
    for (const OptimizerKind kind : {OptimizerKind::adamw, OptimizerKind::sgd}) {
      TrainingJob job = tiny::job(tiny::llama(), 4);
      job.optimizer.kind = kind;
      Trainer trainer(job, tiny::plan(job, precision, Recompute::none, 2));
      const TouchedMemory touched = measure_touched(trainer.executor(), trainer.program());
      std::array<Bytes, n_roles> expected{};
      for (const Buffer& buffer : trainer.program().buffers)
        if (buffer.persistent) expected[static_cast<int>(buffer.role)] += buffer.bytes();
      for (const Role role : {Role::weight, Role::master, Role::optimizer_state}) {
        CAPTURE(name_of(role));
        CAPTURE(static_cast<int>(precision));
        CHECK(touched.kept[static_cast<int>(role)] == expected[static_cast<int>(role)]);
      }
    }
  }
}

TEST_CASE("training: parts of a buffer are written and read where they lie, and not beyond") {
  const TrainingJob job = tiny::job(tiny::gpt2(), 4);
  Trainer trainer(job, tiny::plan(job, Precision::fp32, Recompute::none, 2));
  const BufferId control = trainer.program().ports.control;
  const std::vector<float> part = {7, 8};
  trainer.executor().write_part(control, 4, std::as_bytes(std::span(part)));
  std::array<float, control::size> whole{};
  trainer.executor().read(control, std::as_writable_bytes(std::span(whole)));
  CHECK(whole[1] == 7);
  CHECK(whole[2] == 8);
  std::vector<float> back(1);
  trainer.executor().read_part(control, 8, std::as_writable_bytes(std::span(back)));
  CHECK(back[0] == 8);
  const std::int64_t end = control::size * 4;
  CHECK_THROWS_AS(trainer.executor().write_part(control, end - 4, std::as_bytes(std::span(part))),
                  InternalError);
  CHECK_THROWS_AS(trainer.executor().write_part(control, -4, std::as_bytes(std::span(part))),
                  InternalError);
}

TEST_CASE("training: the measurement has a span for every op and the process holds the arena") {
  const TrainingJob job = tiny::job(tiny::gpt2(), 4);
  Trainer trainer(job, tiny::plan(job, Precision::fp32, Recompute::none, 2));
  LoopOptions options;
  options.profile_steps = 2;
  const Measurement measurement = trainer.train(0, 6, options);
  REQUIRE(measurement.trace.spans.size() == trainer.program().ops.size());
  for (const Span& span : measurement.trace.spans) CHECK(span.time.value > 0);
  CHECK(measurement.trace.step_time.value > 0);
  CHECK(measurement.memory.process > measurement.memory.arena);
  CHECK(measurement.memory.process_peak >= measurement.memory.process);
}

TEST_CASE("training: every kernel runs on the operands of its probe") {
  const std::vector<Probe> probes = one_of_each();
  const std::vector<int> copies(probes.size(), 1);
  const ProbeProgram program =
      make_probe_program(probes, copies, cpu_target(), ProbeLayout::apart, Bytes(0));
  const std::unique_ptr<Backend> backend = make_cpu_backend(2);
  const std::unique_ptr<Executor> executor = backend->load(program.program);
  fill_operands(*executor, program.program);
  const std::vector<Seconds> times = executor->run_profiled(SectionKind::micro_step);
  CHECK(times.size() == program.probe_of.size());
  CHECK(times.size() > probes.size());  // some have producers
}
