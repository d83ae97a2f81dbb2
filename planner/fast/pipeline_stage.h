#pragma once
// Which layers a pipeline stage holds and how many of them wait for their backward pass at once.

#include "planner/fast/setup.h"

namespace aforo::fast {

struct PipelineStage {
  bool first = true, last = true;
  double dense = 0, moe = 0;                      ///< layers held
  double in_flight_dense = 0, in_flight_moe = 0;  ///< layers x micro-batches
  double micro_batches_in_flight = 1;
};

/// Stage `index` of setup.parallel.pp under 1F1B: min(m, p - index) micro-batches wait; with v
/// chunks a stage 2 (p - index - 1) + (v - 1) g + 1 chunks of a v-th of its layers, g = p or, where
/// p does not divide m, m (Narayanan et al. 2021; Megatron-Core's schedules).
PipelineStage pipeline_stage(const Setup& setup, int index);

}  // namespace aforo::fast
