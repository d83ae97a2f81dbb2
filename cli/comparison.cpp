#include "cli/comparison.h"

#include <cmath>

namespace aforo::cli {

Comparison comparison_of(const RunRecord& record) {
  Comparison comparison;
  comparison.predicted_step = record.header.prediction.step_time_mid;
  comparison.measured_step = measured_trace(record).step_time;
  comparison.predicted_arena = record.header.prediction.arena;
  comparison.predicted_process = record.header.prediction.process;
  comparison.first_loss = record.steps.empty() ? NAN : record.steps.front().loss;
  comparison.last_loss = record.steps.empty() ? NAN : record.steps.back().loss;
  comparison.validation_loss = record.evaluations.empty() ? NAN : record.evaluations.back().loss;
  if (!record.profile) return comparison;
  comparison.measured_arena = record.profile->memory.touched.arena;
  comparison.measured_kept = record.profile->memory.touched.kept;
  comparison.measured_process = record.profile->memory.process_peak;
  for (const ProfiledOp& op : record.profile->ops)
    comparison.ops.push_back({op.label, op.name, op.phase, op.repeat, op.predicted, op.measured});
  return comparison;
}

}  // namespace aforo::cli
