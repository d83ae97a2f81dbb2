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
///   zb_h1  min(m, p): what waits for its weight gradient is counted as if it waited for backward
///   zb_h2  min(m, 2 p - 1)
///
/// Source of the last two: Qi et al. 2023, section 3.
PipelineStage pipeline_stage(const Setup& setup, int index);

/// Seconds of one micro-step on the slowest stage, where the layers of an average stage take
/// `average` and the head takes `head`: the last stage has the head, others may have more layers.
double slowest_stage(const Setup& setup, double average, double head);

/// Seconds that filling and draining a pipeline add to a step. With f + b seconds of `busy` a stage
/// and micro-step, of which w are weight gradients:
///
///   1f1b  (p - 1)(f + b) / v      zb_h1  (p - 1)(f + b - 2 w)      zb_h2  (p - 1)(f + b - 3 w)
///
/// none below 0. Sources: Narayanan et al. 2021; Qi et al. 2023, table 2.
double drained(const Setup& setup, double busy, double weight_gradients);

}  // namespace aforo::fast
