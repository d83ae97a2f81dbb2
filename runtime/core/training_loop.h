#pragma once
// Drives an executor through optimizer steps and evaluations, and measures them.

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "planner/base/units.h"
#include "planner/program/program.h"
#include "planner/program/trace.h"
#include "runtime/core/backend.h"
#include "runtime/core/data.h"
#include "runtime/core/environment.h"
#include "runtime/core/touched.h"

namespace aforo {

/// One optimizer step as it went.
struct StepRecord {
  std::int64_t step = 0;  ///< 0-based
  double loss = 0;        ///< mean over the step's tokens, of all ranks, in nats
  Seconds time;           ///< begin, micro-steps and optimizer, without reading tokens
  Seconds data_time;      ///< reading the step's tokens
  double tokens_per_s = 0;  ///< of all ranks
  double learning_rate = 0;
  double gradient_norm = 0;  ///< before clipping
  double loss_scale = 1;     ///< that the next step will use
  bool skipped = false;      ///< the gradients overflowed; the weights did not change
  bool profiled = false;     ///< ran op by op: its time is no step time
  bool last = false;         ///< none follows: the job is done, or a stop was asked for
};

/// A validation loss after `step` steps.
struct EvaluationRecord {
  std::int64_t step = 0;
  double loss = 0;
  Seconds time;
};

struct LoopOptions {
  std::int64_t n_steps = 0;     ///< of the whole job
  std::int64_t first_step = 0;  ///< those before it are done (resume)
  std::uint64_t seed = 1;       ///< of the data order
  std::function<double(std::int64_t step)> learning_rate;

  std::int64_t evaluate_every = 0;    ///< steps; 0: never. The last step is then evaluated too
  std::int64_t evaluate_batches = 1;  ///< batches of the size of one step's

  /// The last steps run op by op to give the spans of the trace; they train like any other. At most
  /// half of all steps are taken for it.
  std::int64_t profile_steps = 3;

  const std::atomic<bool>* stop = nullptr;  ///< set: the running step is the last one

  /// Of this rank, where several train together: rank r takes micro-batches r, r + n_ranks, ... of
  /// each step, and all ranks stop after the same one.
  Communicator* communicator = nullptr;

  /// Asked after each step: true makes it the last one, on all ranks.
  std::function<bool(const StepRecord&)> enough;
  std::function<void(const StepRecord&)> on_step;  ///< may read the executor: a checkpoint
  std::function<void(const EvaluationRecord&)> on_evaluation;
};

struct MemoryMeasurement {
  Bytes arena;
  TouchedMemory touched;
  Bytes process;  ///< resident when the last step was done
  Bytes process_peak;
};

struct Measurement {
  Environment environment;
  std::vector<StepRecord> steps;
  std::vector<EvaluationRecord> evaluations;
  std::vector<Seconds> step_times;  ///< of the plain steps, in order
  /// step_time: median of step_times without the first, which meets cold memory (if it is not the
  /// only one). spans: per op the median over the profiled steps; empty if there were none, zero
  /// for an op that did not run.
  Trace trace;
  MemoryMeasurement memory;
  std::int64_t n_steps_done = 0;  ///< first_step included
  bool interrupted = false;       ///< stopped before n_steps
};

/// Gives every buffer its first contents, and the control buffer its initial loss scale.
void initialize(Executor& executor, const StepProgram& program, std::uint64_t seed);

/// Trains from options.first_step to options.n_steps on an executor that was initialized, or whose
/// state was loaded. Throws InputError if evaluation is wanted and the file has no validation part,
/// and whatever the executor, the file and the callbacks throw.
Measurement train(Executor& executor, const StepProgram& program, const TokenFile& tokens,
                  const LoopOptions& options);

}  // namespace aforo
