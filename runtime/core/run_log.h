#pragma once
// run.jsonl: what was predicted and what happened, one JSON object a line.
//
//   {"kind": "header", ...}       first line: the plan, its prediction, the machine
//   {"kind": "step", ...}         one per optimizer step
//   {"kind": "evaluation", ...}   one per validation
//   {"kind": "resume", ...}       a later process goes on; what lies at or after its step is void
//   {"kind": "profile", ...}      predicted beside measured, op by op; memory
//   {"kind": "summary", ...}      how it ended; also after an interruption
//
// Every line is flushed. docs/formats.md has the keys.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/program/trace.h"
#include "runtime/core/training_loop.h"

namespace aforo {

constexpr int run_log_schema_version = 1;

/// One op of the program as it was predicted.
struct PredictedOp {
  int op = -1;              ///< index in program order
  std::string label;        ///< "bwd L03 attention.qkv"
  std::string name;         ///< "gemm"
  std::string phase;        ///< "bwd"
  std::int64_t repeat = 1;  ///< runs per step; 0 in the evaluation
  Seconds time;             ///< of one run
  double flops = 0;
  double bytes = 0;
  std::string limited_by;
  bool operator==(const PredictedOp&) const = default;
};

/// What the planner promised. Plain numbers: the log knows no cost model.
struct Prediction {
  Bytes arena;
  Bytes process;  ///< arena and overhead
  Seconds step_time_low, step_time_mid, step_time_high;
  double tokens_per_s = 0;
  std::string device;  ///< what the prediction was made for
  std::string origin;  ///< "calibrated", "spec"
  std::vector<PredictedOp> ops;
  bool operator==(const Prediction&) const = default;
};

struct RunHeader {
  std::string plan;         ///< text of the plan file
  std::string fingerprint;  ///< of the program
  Environment environment;  ///< with aforo's version
  Prediction prediction;
};

/// A predicted op and what it took.
struct ProfiledOp {
  int op = -1;
  std::string label, name, phase;
  std::int64_t repeat = 1;
  Seconds predicted;
  Seconds measured;
  bool operator==(const ProfiledOp&) const = default;
};

struct RunProfile {
  std::vector<ProfiledOp> ops;  ///< empty if no step was profiled
  MemoryMeasurement memory;
};

struct RunSummary {
  std::int64_t n_steps_done = 0;
  bool interrupted = false;
  Seconds step_time;  ///< median; quartiles beside it
  Seconds step_time_low, step_time_high;
  double tokens_per_s = 0;
  double loss = 0;             ///< of the last step
  double validation_loss = 0;  ///< of the last evaluation; NaN if there was none
};

/// Summary and profile of a finished measurement. The step times are those of trace.step_time:
/// plain steps without the first.
RunSummary summarize(const Measurement& measurement, std::int64_t tokens_per_step);
RunProfile join_profile(const Prediction& prediction, const Measurement& measurement);

/// Writes a run.jsonl.
class RunLog {
 public:
  /// Begins a new file; one that is there is replaced. Throws InputError if it cannot be opened,
  /// here and below EnvironmentError if the disk is full.
  static RunLog create(const std::string& path, const RunHeader& header);

  /// Goes on with the file of an earlier process, from `n_steps_done` on. Half a line at its end is
  /// removed. Throws InputError if there is no such file.
  static RunLog resume(const std::string& path, std::int64_t n_steps_done,
                       const Environment& environment);

  ~RunLog();
  RunLog(RunLog&& other) noexcept;
  RunLog& operator=(RunLog&&) = delete;

  void write(const StepRecord& record);
  void write(const EvaluationRecord& record);
  void write(const RunProfile& profile);
  void write(const RunSummary& summary);

 private:
  RunLog(std::string path, int file) : path_(std::move(path)), file_(file) {}
  void write_line(const std::string& line);

  std::string path_;
  int file_ = -1;
};

/// A run.jsonl as it was read. Records that a resumption made void are gone.
struct RunRecord {
  RunHeader header;
  std::vector<StepRecord> steps;
  std::vector<EvaluationRecord> evaluations;
  std::optional<RunProfile> profile;
  std::optional<RunSummary> summary;
  int n_resumed = 0;
  bool truncated = false;  ///< the last line was cut off and is left out
};

/// Throws InputError "file:line: ..." for anything but what this build writes: no header, another
/// schema, a missing, unknown or mistyped key, JSON that is none. Only the last line may be cut
/// off.
RunRecord read_run_log(const std::string& path);

/// Both sides as traces over the same op indices, for joining. Times of ops that were not measured
/// are zero. The measured step time is the summary's, or the median of the plain steps without one.
Trace predicted_trace(const RunRecord& record);
Trace measured_trace(const RunRecord& record);

}  // namespace aforo
