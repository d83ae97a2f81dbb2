#include "runtime/core/run_log.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "planner/base/error.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text.h"

using namespace aforo;

namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

RunHeader header() {
  RunHeader header;
  header.plan = "job:\n  model: \"tiny\"\n";
  header.fingerprint = "0123456789ab";
  header.environment = {"0.1.0", "2026-11-24T10:00:00Z", "host",          "Linux 6.1",     "CPU",
                        2,       Bytes(8 * gibi),        Bytes(7 * gibi), "cpu, 2 threads"};
  header.prediction = {Bytes(1000),  Bytes(1500),  Seconds(0.9),
                       Seconds(1.0), Seconds(1.1), 4096.5,
                       "machine",    "calibrated", {}};
  header.prediction.ops = {
      {0, "set clear", "fill", "set", 1, Seconds(1e-6), 0, 8, "memory"},
      {1, "fwd L00 attention.qkv", "gemm", "fwd", 4, Seconds(0.1), 1e9, 2e6, "measured"},
  };
  return header;
}

StepRecord step(std::int64_t number, double loss = 4.125) {
  return {number, loss, Seconds(0.5), Seconds(0.001), 2048, 3e-4, 1.5, 65536, false, false};
}

RunProfile profile() {
  return {
      {{0, "set clear", "fill", "set", 1, Seconds(1e-6), Seconds(2e-6)},
       {1, "fwd L00 attention.qkv", "gemm", "fwd", 4, Seconds(0.1), Seconds(0.125)}},
      {Bytes(1000), {Bytes(900), {Bytes(300), Bytes(200), Bytes(400)}}, Bytes(1600), Bytes(1700)}};
}

/// A whole log: header, two steps, evaluation, profile, summary.
std::string write_log(const TemporaryFolder& folder) {
  const std::string path = (folder.path() / "run.jsonl").string();
  RunLog log = RunLog::create(path, header());
  log.write(step(0));
  log.write(step(1));
  log.write(EvaluationRecord{2, 3.5, Seconds(0.25)});
  log.write(profile());
  log.write(RunSummary{2, false, Seconds(0.5), Seconds(0.4), Seconds(0.6), 8192, 4.0, 3.5});
  return path;
}

std::string error_of(const TemporaryFolder& folder, const std::string& contents) {
  const std::string path = folder.write("broken.jsonl", contents);
  return message_of<InputError>([&] { read_run_log(path); });
}

}  // namespace

TEST_CASE("run_log: what was written is read back") {
  const TemporaryFolder folder;
  const RunRecord record = read_run_log(write_log(folder));
  CHECK(record.header.plan == header().plan);
  CHECK(record.header.fingerprint == header().fingerprint);
  CHECK(record.header.environment == header().environment);
  CHECK(record.header.prediction == header().prediction);
  REQUIRE(record.steps.size() == 2);
  CHECK(record.steps[1].step == 1);
  CHECK(record.steps[1].loss == 4.125);
  CHECK(record.steps[1].time.value == doctest::Approx(0.5));
  CHECK(record.steps[1].data_time.value == doctest::Approx(0.001));
  CHECK(record.steps[1].learning_rate == 3e-4);
  CHECK(record.steps[1].gradient_norm == 1.5);
  CHECK(record.steps[1].loss_scale == 65536);
  REQUIRE(record.evaluations.size() == 1);
  CHECK(record.evaluations[0].loss == 3.5);
  REQUIRE(record.profile);
  CHECK(record.profile->ops == profile().ops);
  CHECK(record.profile->memory.touched == profile().memory.touched);
  CHECK(record.profile->memory.process_peak == Bytes(1700));
  REQUIRE(record.summary);
  CHECK(record.summary->step_time_low == Seconds(0.4));
  CHECK(record.summary->validation_loss == 3.5);
  CHECK_FALSE(record.truncated);
}

TEST_CASE("run_log: both sides join on op index") {
  const TemporaryFolder folder;
  const RunRecord record = read_run_log(write_log(folder));
  const Trace predicted = predicted_trace(record), measured = measured_trace(record);
  REQUIRE(predicted.spans.size() == 2);
  REQUIRE(measured.spans.size() == 2);
  CHECK(predicted.step_time == Seconds(1.0));
  CHECK(measured.step_time == Seconds(0.5));
  CHECK(predicted.spans[1].time == Seconds(0.1));
  CHECK(measured.spans[1].time == Seconds(0.125));
  CHECK(predicted.arena == measured.arena);
  CHECK(measured.process == Bytes(1600));
}

TEST_CASE("run_log: a loss that is not finite is kept as such") {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "run.jsonl").string();
  {
    RunLog log = RunLog::create(path, header());
    log.write(step(0, none));
    log.write(step(1, std::numeric_limits<double>::infinity()));
  }
  const RunRecord record = read_run_log(path);
  CHECK(std::isnan(record.steps[0].loss));
  CHECK_FALSE(std::isfinite(record.steps[1].loss));
}

TEST_CASE("run_log: each line is in the file as soon as it is written") {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "run.jsonl").string();
  RunLog log = RunLog::create(path, header());
  log.write(step(0));
  CHECK(read_run_log(path).steps.size() == 1);
}

TEST_CASE("run_log: a last line that is cut off anywhere is reported, the rest is used") {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "run.jsonl").string();
  RunLog::create(path, header()).write(step(0));
  const std::string whole = folder.read("run.jsonl");
  RunLog::create(path, header());
  const std::size_t first_line = folder.read("run.jsonl").size();
  for (std::size_t size = first_line + 1; size < whole.size() - 1; size += 7) {
    const RunRecord record = read_run_log(folder.write("cut.jsonl", whole.substr(0, size)));
    CHECK(record.truncated);
    CHECK(record.steps.empty());
  }
  CHECK(read_run_log(folder.write("cut.jsonl", whole.substr(0, whole.size() - 1))).steps.size() ==
        1);
}

TEST_CASE("run_log: a log that has no step yet has no step time") {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "run.jsonl").string();
  RunLog::create(path, header());
  CHECK(measured_trace(read_run_log(path)).step_time == Seconds(0));
}

TEST_CASE("run_log: without a summary the step time is the median of plain steps but the first") {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "run.jsonl").string();
  {
    RunLog log = RunLog::create(path, header());
    for (const double time : {9.0, 1.0, 3.0, 2.0}) {
      StepRecord record = step(0);
      record.time = Seconds(time);
      log.write(record);
    }
    StepRecord profiled = step(4);
    profiled.profiled = true;
    profiled.time = Seconds(100);
    log.write(profiled);
  }
  CHECK(measured_trace(read_run_log(path)).step_time.value == doctest::Approx(2.0));
}

TEST_CASE("run_log: wrong JSON that is not the cut-off end is refused with file and line") {
  const TemporaryFolder folder;
  write_log(folder);
  const std::string log = folder.read("run.jsonl");
  CHECK(contains(error_of(folder, replaced(log, "\"step\": 1,", "\"step\": 1 1,")),
                 "broken.jsonl:3: is no JSON"));
  CHECK(contains(error_of(folder, "{\"kind\": \"hea"), "broken.jsonl:1: is no JSON"));
  CHECK(contains(error_of(folder, ""), "is empty"));
  CHECK(contains(error_of(folder, log + "\n" + log), "broken.jsonl:7: is no JSON"));
}

TEST_CASE("run_log: an unknown, missing or mistyped key is refused by name") {
  const TemporaryFolder folder;
  write_log(folder);
  const std::string log = folder.read("run.jsonl");
  CHECK(contains(error_of(folder, replaced(log, "\"ms\"", "\"sec\"")), ":2: lacks the key ms"));
  CHECK(contains(error_of(folder, replaced(log, "\"ms\"", "\"extra\": 1, \"ms\"")),
                 ":2: has the unknown key extra"));
  CHECK(contains(error_of(folder, replaced(log, "\"skipped\": false", "\"skipped\": 0")),
                 ":2: skipped is neither true nor false"));
  CHECK(contains(error_of(folder, replaced(log, "\"loss\": 4.125", "\"loss\": \"x\"")),
                 ":2: loss is no number"));
  CHECK(contains(error_of(folder, replaced(log, "\"arena_bytes\": 1000", "\"arena_bytes\": 1.5")),
                 ":1: arena_bytes is no whole number"));
  CHECK(contains(error_of(folder, replaced(log, "\"index\": 1", "\"index\": 7")),
                 ":1: has op 7 at place 1"));
  CHECK(contains(error_of(folder, replaced(log, "\"kind\": \"step\"", "\"kind\": \"stop\"")),
                 ":2: is of kind stop"));
}

TEST_CASE("run_log: another schema, a missing header and a second one are refused") {
  const TemporaryFolder folder;
  write_log(folder);
  const std::string log = folder.read("run.jsonl");
  CHECK(contains(error_of(folder, replaced(log, "\"schema_version\": 1", "\"schema_version\": 9")),
                 ":1: has schema_version 9, but this build reads 1"));
  CHECK(contains(error_of(folder, log.substr(log.find('\n') + 1)),
                 ":1: begins with a line of kind step, expected header"));
  CHECK(contains(error_of(folder, log + log), ":7: has a second header"));
}

TEST_CASE("run_log: resuming removes half a line and voids what lies at or after its step") {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "run.jsonl").string();
  {
    RunLog log = RunLog::create(path, header());
    for (int i = 0; i < 5; ++i) log.write(step(i, 10 + i));
    log.write(EvaluationRecord{3, 1.0, Seconds(1)});
    log.write(EvaluationRecord{5, 2.0, Seconds(1)});
  }
  folder.write("run.jsonl", folder.read("run.jsonl") + "{\"kind\": \"st");
  {
    RunLog log = RunLog::resume(path, 3, header().environment);
    log.write(step(3, 20));
    log.write(step(4, 21));
  }
  const RunRecord record = read_run_log(path);
  CHECK_FALSE(record.truncated);
  CHECK(record.n_resumed == 1);
  REQUIRE(record.steps.size() == 5);
  CHECK(record.steps[2].loss == 12);
  CHECK(record.steps[3].loss == 20);
  REQUIRE(record.evaluations.size() == 1);
  CHECK(record.evaluations[0].step == 3);
}

TEST_CASE("run_log: resuming what is missing or has no header is refused") {
  const TemporaryFolder folder;
  const std::string missing = (folder.path() / "no.jsonl").string();
  CHECK_THROWS_AS(RunLog::resume(missing, 1, header().environment), InputError);
  const std::string half = folder.write("half.jsonl", "{\"kind\": \"header\"");
  CHECK(contains(message_of<InputError>([&] { RunLog::resume(half, 1, header().environment); }),
                 "has no header"));
}

TEST_CASE("run_log: a path that cannot be written is refused") {
  const TemporaryFolder folder;
  CHECK_THROWS_AS(RunLog::create(folder.path().string(), header()), InputError);
}

TEST_CASE("run_log: a measurement is joined with its prediction and summarized by quartiles") {
  Measurement measurement;
  for (const double time : {9.0, 5.0, 1.0, 2.0, 3.0, 4.0})
    measurement.step_times.push_back(Seconds(time));
  measurement.trace.step_time = Seconds(3);
  measurement.trace.spans = {{0, Seconds(2e-6)}, {1, Seconds(0.125)}};
  measurement.memory.arena = Bytes(1000);
  measurement.steps = {step(0), step(1, 2.5)};
  measurement.n_steps_done = 2;
  const RunSummary summary = summarize(measurement, 600);
  CHECK(summary.step_time_low == Seconds(2));
  CHECK(summary.step_time == Seconds(3));
  CHECK(summary.step_time_high == Seconds(4));
  CHECK(summary.tokens_per_s == 200);
  CHECK(summary.loss == 2.5);
  CHECK(std::isnan(summary.validation_loss));
  CHECK(join_profile(header().prediction, measurement).ops == profile().ops);
}
