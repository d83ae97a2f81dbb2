#pragma once
// Measured runs that somebody published, one a row: what was run, and what came out.

#include <optional>
#include <string>
#include <vector>

#include "planner/base/csv.h"

namespace aforo::validate {

/// What the source measured. Nothing in here may reach a prediction.
struct Measured {
  std::optional<double> tokens_per_s;  ///< over all devices
  std::optional<double> step_time_s;
  std::optional<double> peak_mem_gib;  ///< per device
  std::string mem_kind;                ///< allocated, reserved, device-used, not stated
  bool oom = false;                    ///< published as not fitting
};

/// The inputs of a run as the columns state them; 0 or "" where the source does not say.
struct Run {
  std::string id, repo, family, quality, notes, date;
  std::string gpu, gpu_class, interconnect, framework, model_name;
  std::int64_t n_params = 0;
  int gpu_count = 0, nodes = 0;
  int n_layers = 0, d_model = 0, n_heads = 0, n_kv_heads = 0, d_ff = 0;
  std::int64_t vocab = 0;
  int seq_len = 0, global_batch_seqs = 0, micro_batch_seqs = 0, grad_accum = 0;
  std::string precision, act_ckpt, act_ckpt_detail, sharding, sharding_detail, offload, optimizer;
  std::string flash_attention, compile, task;
  std::string mem_detail;  ///< of which rank memory is reported, by which counter
  int tp = 1, pp = 1, cp = 1, ep = 1;
  int vpp = 0;
  Measured measured;
  int line = 0;  ///< of the file

  /// Seconds of one optimizer step: as measured, or tokens of a step over the measured rate.
  std::optional<double> step_time() const;
};

/// Reads the columns that runs/README.md of the data set describes; unknown columns are ignored.
/// Throws InputError "file:line: column: value, what was expected" for numbers that are none and
/// for a missing mandatory column (id, gpu_class, framework, model_name, seq_len).
std::vector<Run> read_runs(const std::string& path);
std::vector<Run> read_runs(const CsvTable& table);

}  // namespace aforo::validate
