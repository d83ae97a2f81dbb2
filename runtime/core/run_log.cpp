#include "runtime/core/run_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>

#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/json.h"
#include "runtime/core/profile.h"

namespace aforo {
namespace {

JsonWriter line_of(const char* kind) {
  JsonWriter json(false);
  json.begin_object().field("kind", kind);
  return json;
}

void write_environment(JsonWriter& json, const Environment& environment) {
  json.key("environment").begin_object();
  json.field("aforo_version", environment.aforo_version).field("date", environment.date);
  json.field("host", environment.host).field("kernel", environment.kernel);
  json.field("cpu", environment.cpu).field("n_cores", environment.n_cores);
  json.field("memory_bytes", environment.memory.value);
  json.field("memory_free_bytes", environment.memory_free.value);
  json.field("backend", environment.backend).end_object();
}

void write_op(JsonWriter& json, const PredictedOp& op) {
  json.begin_object().field("index", op.op).field("label", op.label).field("op", op.name);
  json.field("phase", op.phase).field("repeat", op.repeat).field("time_s", op.time.value);
  json.field("flops", op.flops).field("bytes", op.bytes).field("limited_by", op.limited_by);
  json.end_object();
}

void write_prediction(JsonWriter& json, const Prediction& prediction) {
  json.key("prediction").begin_object();
  json.field("device", prediction.device).field("origin", prediction.origin);
  json.field("arena_bytes", prediction.arena.value);
  json.field("process_bytes", prediction.process.value);
  json.key("step_time_s").begin_object().field("low", prediction.step_time_low.value);
  json.field("mid", prediction.step_time_mid.value);
  json.field("high", prediction.step_time_high.value).end_object();
  json.field("tokens_per_s", prediction.tokens_per_s).key("ops").begin_array();
  for (const PredictedOp& op : prediction.ops) write_op(json, op);
  json.end_array().end_object();
}

void write_op(JsonWriter& json, const ProfiledOp& op) {
  json.begin_object().field("index", op.op).field("label", op.label).field("op", op.name);
  json.field("phase", op.phase).field("repeat", op.repeat);
  json.field("predicted_s", op.predicted.value).field("measured_s", op.measured.value).end_object();
}

/// Value at `share` of sorted times: the nearest rank.
Seconds quantile(const std::vector<Seconds>& sorted, double share) {
  if (sorted.empty()) return Seconds(0);
  const double rank = std::round(share * static_cast<double>(sorted.size() - 1));
  return sorted[static_cast<std::size_t>(rank)];
}

/// Bytes of `contents` up to the end of its last whole line.
std::size_t whole_lines(const std::string& contents) {
  const std::size_t last = contents.rfind('\n');
  return last == std::string::npos ? 0 : last + 1;
}

int open_log(const std::string& path, int flags) {
  const int file = open(path.c_str(), flags | O_WRONLY | O_CLOEXEC, 0644);
  if (file < 0)
    throw InputError(fmt::format("{}: cannot be written: {}; name another file with --log", path,
                                 std::strerror(errno)));
  return file;
}

}  // namespace

RunSummary summarize(const Measurement& measurement, std::int64_t tokens_per_step) {
  std::vector<Seconds> times = measurement.step_times;
  if (times.size() > 1) times.erase(times.begin());
  std::sort(times.begin(), times.end());
  RunSummary summary;
  summary.n_steps_done = measurement.n_steps_done;
  summary.interrupted = measurement.interrupted;
  summary.step_time = measurement.trace.step_time;
  summary.step_time_low = quantile(times, 0.25);
  summary.step_time_high = quantile(times, 0.75);
  if (summary.step_time.value > 0)
    summary.tokens_per_s = static_cast<double>(tokens_per_step) / summary.step_time.value;
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  summary.loss = measurement.steps.empty() ? none : measurement.steps.back().loss;
  summary.validation_loss =
      measurement.evaluations.empty() ? none : measurement.evaluations.back().loss;
  return summary;
}

RunProfile join_profile(const Prediction& prediction, const Measurement& measurement) {
  RunProfile profile{{}, measurement.memory};
  for (const PredictedOp& op : prediction.ops) {
    if (op.op < 0 || op.op >= static_cast<int>(measurement.trace.spans.size())) continue;
    profile.ops.push_back({op.op, op.label, op.name, op.phase, op.repeat, op.time,
                           measurement.trace.spans[op.op].time});
  }
  return profile;
}

RunLog RunLog::create(const std::string& path, const RunHeader& header) {
  RunLog log(path, open_log(path, O_CREAT | O_TRUNC));
  JsonWriter json = line_of("header");
  json.field("schema_version", run_log_schema_version);
  json.field("aforo_version", header.environment.aforo_version);
  json.field("plan", header.plan).field("fingerprint", header.fingerprint);
  write_environment(json, header.environment);
  write_prediction(json, header.prediction);
  log.write_line(json.end_object().text());
  return log;
}

RunLog RunLog::resume(const std::string& path, std::int64_t n_steps_done,
                      const Environment& environment) {
  const std::size_t kept = whole_lines(read_file(path));
  if (kept == 0) throw InputError(fmt::format("{}: has no header; train without resuming", path));
  RunLog log(path, open_log(path, O_APPEND));
  if (ftruncate(log.file_, static_cast<off_t>(kept)) != 0)
    throw EnvironmentError(
        fmt::format("{}: cannot be cut to {} bytes: {}", path, kept, std::strerror(errno)));
  JsonWriter json = line_of("resume");
  json.field("n_steps_done", n_steps_done);
  write_environment(json, environment);
  log.write_line(json.end_object().text());
  return log;
}

RunLog::~RunLog() {
  if (file_ >= 0) close(file_);
}

RunLog::RunLog(RunLog&& other) noexcept : path_(std::move(other.path_)), file_(other.file_) {
  other.file_ = -1;
}

void RunLog::write(const StepRecord& record) {
  JsonWriter json = line_of("step");
  json.field("step", record.step).field("loss", record.loss);
  json.field("ms", record.time.value * 1e3).field("data_ms", record.data_time.value * 1e3);
  json.field("tokens_per_s", record.tokens_per_s).field("learning_rate", record.learning_rate);
  json.field("grad_norm", record.gradient_norm).field("loss_scale", record.loss_scale);
  json.field("skipped", record.skipped).field("profiled", record.profiled);
  write_line(json.end_object().text());
}

void RunLog::write(const EvaluationRecord& record) {
  JsonWriter json = line_of("evaluation");
  json.field("step", record.step).field("loss", record.loss);
  json.field("ms", record.time.value * 1e3);
  write_line(json.end_object().text());
}

void RunLog::write(const RunProfile& profile) {
  JsonWriter json = line_of("profile");
  json.key("ops").begin_array();
  for (const ProfiledOp& op : profile.ops) write_op(json, op);
  json.end_array().key("memory").begin_object();
  json.field("arena_bytes", profile.memory.arena.value);
  json.field("touched_bytes", profile.memory.touched.arena.value);
  json.key("touched_of_kept_bytes").begin_object();
  for (int role = 0; role < n_roles; ++role)
    json.field(name_of(static_cast<Role>(role)), profile.memory.touched.kept[role].value);
  json.end_object();
  json.field("process_bytes", profile.memory.process.value);
  json.field("process_peak_bytes", profile.memory.process_peak.value).end_object();
  write_line(json.end_object().text());
}

void RunLog::write(const RunSummary& summary) {
  JsonWriter json = line_of("summary");
  json.field("n_steps_done", summary.n_steps_done).field("interrupted", summary.interrupted);
  json.key("step_time_s").begin_object().field("low", summary.step_time_low.value);
  json.field("mid", summary.step_time.value);
  json.field("high", summary.step_time_high.value).end_object();
  json.field("tokens_per_s", summary.tokens_per_s).field("loss", summary.loss);
  json.field("validation_loss", summary.validation_loss);
  write_line(json.end_object().text());
}

/// One system call per line, so that an interruption cuts at most the last one.
void RunLog::write_line(const std::string& line) {
  const std::string text = line + "\n";
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(file_, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      throw EnvironmentError(
          fmt::format("{}: cannot be written: {}; free some space or name another file", path_,
                      std::strerror(errno)));
    done += static_cast<std::size_t>(n);
  }
}

}  // namespace aforo
