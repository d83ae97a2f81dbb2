#include "runtime/core/training_loop.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>

#include "planner/base/error.h"
#include "planner/lower/lower.h"
#include "tests/core/fake_backend.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny.h"

using namespace aforo;

namespace {

constexpr int micro_batch_size = 2;

StepProgram tiny_program(int global_batch_size = 4, Precision precision = Precision::fp32) {
  const TrainingJob job = tiny::job(tiny::gpt2(1), global_batch_size, 8);
  return lower(job, tiny::plan(job, precision, Recompute::none, micro_batch_size), cpu_target());
}

/// Every micro-step and every evaluation adds the sum of its tokens to the loss; the optimizer
/// writes what control would hold.
void pretend(fake::Executor& executor, SectionKind kind) {
  const ProgramPorts& ports = executor.program().ports;
  if (kind == SectionKind::begin) executor.set(ports.loss_sum, std::vector<double>{0});
  if (kind == SectionKind::micro_step || kind == SectionKind::evaluate) {
    double sum = executor.values<double>(ports.loss_sum)[0];
    for (const std::int32_t token : executor.values<std::int32_t>(ports.tokens)) sum += token;
    executor.set(ports.loss_sum, std::vector<double>{sum});
  }
  if (kind == SectionKind::optimizer) {
    std::vector<float> control = executor.values<float>(ports.control);
    control[control::gradient_norm] = executor.values<float>(ports.schedule)[0] * 10;
    control[control::skip] = control[control::optimizer_steps] == 1;
    control[control::optimizer_steps] += 1;
    executor.set(ports.control, control);
  }
}

struct Setup {
  TemporaryFolder folder;
  StepProgram program;
  fake::Executor executor;
  TokenFile tokens;
  LoopOptions options;

  explicit Setup(StepProgram lowered = tiny_program(), double validation_fraction = 0.5)
      : program(lowered),
        executor(std::move(lowered)),
        tokens({folder.write("text", std::string(400, '\7') + std::string(400, '\3')), 1, 8, 61,
                validation_fraction}) {
    executor.on_run = pretend;
    options.n_steps = 4;
    options.profile_steps = 0;
    options.learning_rate = [](std::int64_t step) { return 0.25 * static_cast<double>(step); };
  }
  Measurement run() { return train(executor, program, tokens, options); }
};

using Run = fake::Executor::Run;
constexpr SectionKind begin = SectionKind::begin, micro = SectionKind::micro_step,
                      optimizer = SectionKind::optimizer, evaluation = SectionKind::evaluate;

}  // namespace

TEST_CASE("training_loop: a step is begin, all micro-steps, optimizer") {
  Setup setup;
  setup.options.n_steps = 2;
  setup.run();
  const std::vector<Run> step = {
      {begin, false}, {micro, false}, {micro, false}, {optimizer, false}};
  std::vector<Run> expected = step;
  expected.insert(expected.end(), step.begin(), step.end());
  CHECK(setup.executor.runs == expected);
}

TEST_CASE("training_loop: the loss is the sum over the step's tokens by their number") {
  Setup setup;
  const Measurement measurement = setup.run();
  REQUIRE(measurement.steps.size() == 4);
  for (const StepRecord& step : measurement.steps) CHECK(step.loss == 7.0);
}

TEST_CASE("training_loop: a record holds learning rate, gradient norm, loss scale and skip") {
  Setup setup(tiny_program(4, Precision::fp16));
  initialize(setup.executor, setup.program, 1);
  std::vector<StepRecord> records;
  setup.options.on_step = [&](const StepRecord& record) { records.push_back(record); };
  setup.run();
  REQUIRE(records.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(records[i].step == static_cast<std::int64_t>(i));
    CHECK(records[i].learning_rate == 0.25 * static_cast<double>(i));
    CHECK(records[i].gradient_norm == 2.5 * static_cast<double>(i));
    CHECK(records[i].loss_scale == 65536.0);
    CHECK(records[i].skipped == (i == 1));
    CHECK(records[i].time.value > 0);
    CHECK(records[i].tokens_per_s == doctest::Approx(32 / records[i].time.value));
  }
}

TEST_CASE("training_loop: the step number, not the count of steps run, decides data and rate") {
  Setup whole, resumed;
  const Measurement all = whole.run();
  resumed.options.first_step = 2;
  const Measurement rest = resumed.run();
  REQUIRE(rest.steps.size() == 2);
  CHECK(rest.steps[0].step == 2);
  CHECK(rest.steps[0].learning_rate == all.steps[2].learning_rate);
  CHECK(rest.n_steps_done == 4);
  CHECK_FALSE(rest.interrupted);
}

TEST_CASE("training_loop: evaluation averages over validation windows and leaves steps alone") {
  Setup setup;
  setup.options.n_steps = 5;
  setup.options.evaluate_every = 2;
  setup.options.evaluate_batches = 3;
  const Measurement measurement = setup.run();
  REQUIRE(measurement.evaluations.size() == 3);
  for (const EvaluationRecord& record : measurement.evaluations) CHECK(record.loss == 3.0);
  CHECK(measurement.evaluations[0].step == 2);
  CHECK(measurement.evaluations[1].step == 4);
  CHECK(measurement.evaluations[2].step == 5);  // the last step, though 5 is odd
  for (const StepRecord& step : measurement.steps) CHECK(step.loss == 7.0);
  // Three batches of the size of a step: two micro-batches each.
  CHECK(std::count(setup.executor.runs.begin(), setup.executor.runs.end(),
                   Run{evaluation, false}) == 3 * 3 * 2);
}

TEST_CASE("training_loop: evaluation without a validation part is refused before any step") {
  Setup setup(tiny_program(), 0.0);
  setup.options.evaluate_every = 1;
  CHECK_THROWS_AS(setup.run(), InputError);
  CHECK(setup.executor.runs.empty());
}

TEST_CASE("training_loop: the last steps are profiled, train like others and give no step time") {
  Setup setup;
  setup.options.n_steps = 10;
  setup.options.profile_steps = 3;
  const Measurement measurement = setup.run();
  REQUIRE(measurement.steps.size() == 10);
  CHECK(measurement.step_times.size() == 7);
  for (const StepRecord& step : measurement.steps) CHECK(step.profiled == (step.step >= 7));
  // The fake's op i takes i + 1 seconds.
  REQUIRE(measurement.trace.spans.size() == setup.program.ops.size());
  for (std::size_t i = 0; i < measurement.trace.spans.size(); ++i) {
    CHECK(measurement.trace.spans[i].op == static_cast<int>(i));
    CHECK(measurement.trace.spans[i].time.value == static_cast<double>(i + 1));
  }
}

TEST_CASE("training_loop: profiling takes at most half of the steps") {
  for (const auto& [n_steps, n_profiled] : {std::pair{1, 0}, {2, 1}, {3, 1}, {5, 2}, {6, 3}}) {
    Setup setup;
    setup.options.n_steps = n_steps;
    setup.options.profile_steps = 3;
    const Measurement measurement = setup.run();
    CHECK(static_cast<int>(measurement.steps.size() - measurement.step_times.size()) == n_profiled);
    CHECK(measurement.trace.spans.empty() == (n_profiled == 0));
  }
}

TEST_CASE("training_loop: a stop lets the running step finish") {
  Setup setup;
  std::atomic<bool> stop{false};
  setup.options.n_steps = 100;
  setup.options.profile_steps = 3;
  setup.options.stop = &stop;
  setup.executor.on_run = [&](fake::Executor& executor, SectionKind kind) {
    pretend(executor, kind);
    if (executor.runs.size() == 5) stop = true;  // in the second step
  };
  const Measurement measurement = setup.run();
  CHECK(measurement.interrupted);
  CHECK(measurement.n_steps_done == 2);
  CHECK(measurement.steps.size() == 2);
  CHECK(setup.executor.runs.back() == Run{optimizer, false});
}

TEST_CASE("training_loop: a job that is done already runs nothing") {
  Setup setup;
  setup.options.first_step = 4;
  const Measurement measurement = setup.run();
  CHECK(measurement.steps.empty());
  CHECK(measurement.n_steps_done == 4);
  CHECK_FALSE(measurement.interrupted);
  CHECK(setup.executor.runs.empty());
}

TEST_CASE("training_loop: initialize writes the loss scale and nothing else into control") {
  const StepProgram program = tiny_program(4, Precision::fp16);
  fake::Executor executor(program);
  initialize(executor, program, 1);
  std::vector<float> expected(control::size, 0.0f);
  expected[control::loss_scale] = 65536.0f;
  CHECK(executor.values<float>(program.ports.control) == expected);
}

TEST_CASE("training_loop: what was touched is measured over every section, on valid indices") {
  Setup setup;
  const TouchedMemory touched = measure_touched(setup.executor, setup.program);
  CHECK(touched.arena == Bytes(4));                               // the fake counts runs
  for (const Bytes kept : touched.kept) CHECK(kept == Bytes(0));  // it changes no weight
  CHECK(setup.executor.runs ==
        std::vector<Run>{{begin, false}, {micro, false}, {optimizer, false}, {evaluation, false}});
  CHECK(setup.executor.values<std::int32_t>(setup.program.ports.tokens) ==
        std::vector<std::int32_t>(16, 0));
}

TEST_CASE("training_loop: the step time is the median of the plain steps without the first") {
  Setup setup;
  setup.options.n_steps = 6;
  const Measurement measurement = setup.run();
  std::vector<Seconds> times(measurement.step_times.begin() + 1, measurement.step_times.end());
  std::sort(times.begin(), times.end());
  CHECK(measurement.trace.step_time == times[2]);
}
