// Reads run.jsonl strictly: every key must be there, and every key must be known.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "planner/base/error.h"
#include "planner/base/files.h"
#include "runtime/core/profile.h"
#include "runtime/core/run_log.h"
#include "runtime/core/run_log_fields.h"

namespace aforo {
namespace {

namespace json = boost::json;

Environment read_environment_fields(Fields fields) {
  Environment environment;
  environment.aforo_version = fields.string("aforo_version");
  environment.date = fields.string("date");
  environment.host = fields.string("host");
  environment.kernel = fields.string("kernel");
  environment.cpu = fields.string("cpu");
  environment.n_cores = static_cast<int>(fields.integer("n_cores"));
  environment.memory = fields.bytes("memory_bytes");
  environment.memory_free = fields.bytes("memory_free_bytes");
  environment.backend = fields.string("backend");
  fields.finish();
  return environment;
}

PredictedOp read_predicted_op(Fields& fields) {
  PredictedOp op;
  op.op = static_cast<int>(fields.integer("index"));
  op.label = fields.string("label");
  op.name = fields.string("op");
  op.phase = fields.string("phase");
  op.repeat = fields.integer("repeat");
  op.time = fields.seconds("time_s");
  op.flops = fields.number("flops");
  op.bytes = fields.number("bytes");
  op.limited_by = fields.string("limited_by");
  return op;
}

Prediction read_prediction(Fields fields) {
  Prediction prediction;
  prediction.device = fields.string("device");
  prediction.origin = fields.string("origin");
  prediction.arena = fields.bytes("arena_bytes");
  prediction.process = fields.bytes("process_bytes");
  Fields step_time = fields.object("step_time_s");
  prediction.step_time_low = step_time.seconds("low");
  prediction.step_time_mid = step_time.seconds("mid");
  prediction.step_time_high = step_time.seconds("high");
  step_time.finish();
  prediction.tokens_per_s = fields.number("tokens_per_s");
  prediction.ops = fields.list("ops", read_predicted_op);
  fields.finish();
  return prediction;
}

RunHeader read_header(Fields& fields) {
  const std::int64_t schema = fields.integer("schema_version");
  if (schema != run_log_schema_version)
    fields.fail(fmt::format("has schema_version {}, but this build reads {}", schema,
                            run_log_schema_version));
  RunHeader header;
  fields.string("aforo_version");
  header.plan = fields.string("plan");
  header.fingerprint = fields.string("fingerprint");
  header.environment = read_environment_fields(fields.object("environment"));
  header.prediction = read_prediction(fields.object("prediction"));
  const std::vector<PredictedOp>& ops = header.prediction.ops;
  for (std::size_t i = 0; i < ops.size(); ++i)
    if (ops[i].op != static_cast<int>(i))
      fields.fail(fmt::format("has op {} at place {} of its prediction", ops[i].op, i));
  return header;
}

StepRecord read_step(Fields& fields) {
  StepRecord record;
  record.step = fields.integer("step");
  record.loss = fields.number("loss");
  record.time = fields.milliseconds("ms");
  record.data_time = fields.milliseconds("data_ms");
  record.tokens_per_s = fields.number("tokens_per_s");
  record.learning_rate = fields.number("learning_rate");
  record.gradient_norm = fields.number("grad_norm");
  record.loss_scale = fields.number("loss_scale");
  record.skipped = fields.boolean("skipped");
  record.profiled = fields.boolean("profiled");
  return record;
}

EvaluationRecord read_evaluation(Fields& fields) {
  return {fields.integer("step"), fields.number("loss"), fields.milliseconds("ms")};
}

ProfiledOp read_profiled_op(Fields& fields) {
  ProfiledOp op;
  op.op = static_cast<int>(fields.integer("index"));
  op.label = fields.string("label");
  op.name = fields.string("op");
  op.phase = fields.string("phase");
  op.repeat = fields.integer("repeat");
  op.predicted = fields.seconds("predicted_s");
  op.measured = fields.seconds("measured_s");
  return op;
}

RunProfile read_profile(Fields& fields, std::size_t n_ops) {
  RunProfile profile;
  profile.ops = fields.list("ops", read_profiled_op);
  for (const ProfiledOp& op : profile.ops)
    if (op.op < 0 || static_cast<std::size_t>(op.op) >= n_ops)
      fields.fail(fmt::format("profiles op {}, but the header predicts {} ops", op.op, n_ops));
  Fields memory = fields.object("memory");
  profile.memory.arena = memory.bytes("arena_bytes");
  profile.memory.touched.arena = memory.bytes("touched_bytes");
  Fields kept = memory.object("touched_of_kept_bytes");
  for (int role = 0; role < n_roles; ++role)
    profile.memory.touched.kept[role] =
        kept.bytes(std::string(name_of(static_cast<Role>(role))).c_str());
  kept.finish();
  profile.memory.process = memory.bytes("process_bytes");
  profile.memory.process_peak = memory.bytes("process_peak_bytes");
  memory.finish();
  return profile;
}

RunSummary read_summary(Fields& fields) {
  RunSummary summary;
  summary.n_steps_done = fields.integer("n_steps_done");
  summary.interrupted = fields.boolean("interrupted");
  Fields step_time = fields.object("step_time_s");
  summary.step_time_low = step_time.seconds("low");
  summary.step_time = step_time.seconds("mid");
  summary.step_time_high = step_time.seconds("high");
  step_time.finish();
  summary.tokens_per_s = fields.number("tokens_per_s");
  summary.loss = fields.number("loss");
  summary.validation_loss = fields.number("validation_loss");
  return summary;
}

/// Drops what lies at or after the step that a later process goes on from.
void resume(Fields& fields, RunRecord& record) {
  const std::int64_t n_steps_done = fields.integer("n_steps_done");
  read_environment_fields(fields.object("environment"));
  std::erase_if(record.steps, [&](const StepRecord& step) { return step.step >= n_steps_done; });
  std::erase_if(record.evaluations,
                [&](const EvaluationRecord& evaluation) { return evaluation.step > n_steps_done; });
  record.profile.reset();
  record.summary.reset();
  ++record.n_resumed;
}

void read_line(const json::value& value, const std::string& place, bool first, RunRecord& record) {
  Fields fields(value, place);
  const std::string kind = fields.string("kind");
  if (first != (kind == "header"))
    fields.fail(first ? fmt::format("begins with a line of kind {}, expected header", kind)
                      : "has a second header");
  if (kind == "header") {
    record.header = read_header(fields);
  } else if (kind == "step") {
    record.steps.push_back(read_step(fields));
  } else if (kind == "evaluation") {
    record.evaluations.push_back(read_evaluation(fields));
  } else if (kind == "resume") {
    resume(fields, record);
  } else if (kind == "profile") {
    record.profile = read_profile(fields, record.header.prediction.ops.size());
  } else if (kind == "summary") {
    record.summary = read_summary(fields);
  } else {
    fields.fail(
        fmt::format("is of kind {}; expected header, step, evaluation, resume, profile or "
                    "summary",
                    kind));
  }
  fields.finish();
}

std::vector<Span> empty_spans(std::size_t n) {
  std::vector<Span> spans(n);
  for (std::size_t i = 0; i < n; ++i) spans[i].op = static_cast<int>(i);
  return spans;
}

}  // namespace

RunRecord read_run_log(const std::string& path) {
  const std::string contents = read_file(path);
  RunRecord record;
  int number = 0;
  for (std::size_t begin = 0; begin < contents.size();) {
    const std::size_t end = std::min(contents.find('\n', begin), contents.size());
    const bool cut = end == contents.size();  // no line end: the writer was interrupted
    ++number;
    json::error_code error;
    const json::value value =
        json::parse(json::string_view(contents.data() + begin, end - begin), error);
    const std::string place = fmt::format("{}:{}", path, number);
    if (error && cut && number > 1) {
      record.truncated = true;
      return record;
    }
    if (error)
      throw InputError(fmt::format("{}: is no JSON: {}; is it a run.jsonl that aforo wrote?", place,
                                   error.message()));
    read_line(value, place, number == 1, record);
    begin = end + 1;
  }
  if (number == 0) throw InputError(fmt::format("{}: is empty; expected a run.jsonl", path));
  return record;
}

Trace predicted_trace(const RunRecord& record) {
  const Prediction& prediction = record.header.prediction;
  Trace trace{prediction.step_time_mid, empty_spans(prediction.ops.size()), prediction.arena,
              prediction.process};
  for (const PredictedOp& op : prediction.ops) trace.spans[op.op].time = op.time;
  return trace;
}

Trace measured_trace(const RunRecord& record) {
  Trace trace;
  std::vector<Seconds> times;
  for (const StepRecord& step : record.steps)
    if (!step.profiled) times.push_back(step.time);
  if (times.size() > 1) times.erase(times.begin());
  trace.step_time = record.summary ? record.summary->step_time : median(std::move(times));
  if (!record.profile) return trace;
  trace.spans = empty_spans(record.header.prediction.ops.size());
  for (const ProfiledOp& op : record.profile->ops) trace.spans[op.op].time = op.measured;
  trace.arena = record.profile->memory.arena;
  trace.process = record.profile->memory.process;
  return trace;
}

}  // namespace aforo
