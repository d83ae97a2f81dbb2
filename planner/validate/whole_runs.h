#pragma once
// Whole published trainings: device-hours of a model, a number of tokens and a card, predicted from
// these alone.

#include <string>
#include <vector>

#include "planner/base/csv.h"
#include "planner/fast/rates.h"
#include "planner/validate/setup_of_run.h"

namespace aforo::validate {

/// One row: what was trained on what, and the hours that were published.
struct WholeRun {
  std::string model, date, gpu, quality;
  double n_params = 0, n_tokens = 0;
  int gpu_count = 0;     ///< 0: not stated
  double gpu_hours = 0;  ///< measured; 0: not stated
  int line = 0;
};

/// Columns model, date, params, tokens, gpu, gpu_count, gpu_hours, quality; others are ignored.
/// Throws InputError "file:line: column: value, what was expected".
std::vector<WholeRun> read_whole_runs(const CsvTable& table);

struct WholeRunPrediction {
  const WholeRun* run = nullptr;
  double hours = 0;  ///< device-hours
  int n_devices = 0;
  std::string layout;  ///< "torch: bf16, dp 512, fsdp, ..."
  std::vector<std::string> assumptions;
  std::string problem;  ///< why there is no prediction; "" if there is one
  double error() const { return hours / run->gpu_hours - 1; }
};

/// Sources of totals state no layout, so the fastest one in 16 bits stands for it: by Megatron or
/// PyTorch, on TPUs by MaxText, before 2023 without flash attention. Without a number of devices:
/// those that take 30 days at 40 % of the peak, as a power of two from 8 to 16,384. Sequences of
/// at most 8,192 tokens, batches of about 4 million. What a run loses to failures and restarts is
/// not in it.
std::vector<WholeRunPrediction> predict_whole_runs(const std::vector<WholeRun>& runs,
                                                   const Catalogue& catalogue,
                                                   const fast::Constants& constants);

}  // namespace aforo::validate
