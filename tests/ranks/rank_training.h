#pragma once
// Trains a tiny job with the training loop on in-process ranks, from a checkpoint or to one.

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "planner/lower/lower.h"
#include "runtime/comm/in_process.h"
#include "runtime/core/checkpoint.h"
#include "runtime/core/training_loop.h"
#include "tests/support/faulty_communicator.h"
#include "tests/support/rank_runner.h"
#include "tests/support/temporary_folder.h"

namespace aforo::tiny {

struct RankTraining {
  TrainingJob job;
  std::filesystem::path text;         ///< to train on
  std::filesystem::path checkpoints;  ///< read first if `resume`; written after the last step
  bool resume = false;
  std::int64_t n_steps = 0;
  int save_every = 0;
  Seconds timeout = rank_timeout;

  /// Of one rank, at one of its collectives.
  int faulty_rank = -1;
  int fault_at = -1;
  std::function<void()> fault = [] {};
  std::atomic<int> n_stopped{0};  ///< ranks that another's failure ended
};

struct RankTrainingResult {
  std::vector<double> losses;
  std::map<std::string, std::vector<float>> masters;
  std::int64_t first_step = 0;
  std::vector<std::string> damaged;
  int n_calls = 0;  ///< of rank 0's communicator
};

/// Text with something to learn.
inline std::string training_text() {
  std::string result;
  for (int i = 0; i < 4000; ++i) result += static_cast<char>((i * i) % 37);
  return result;
}

inline void train_rank(const RankTraining& training, const StepProgram& program,
                       Communicator& communicator, RankTrainingResult& result, std::mutex& mutex) {
  const auto backend = make_cpu_backend(1);
  const auto executor = backend->load(program, &communicator);
  initialize(*executor, program, 1);
  LoopOptions options;
  options.n_steps = training.n_steps;
  options.communicator = &communicator;
  options.profile_steps = 0;
  options.learning_rate = [](std::int64_t step) { return step < 2 ? 1e-3 : 1e-2; };
  if (training.resume) {
    const LoadedCheckpoint loaded =
        load_checkpoint(training.checkpoints, *executor, program, "job", &communicator);
    options.first_step = loaded.n_steps_done;
    const std::scoped_lock lock(mutex);
    result.first_step = loaded.n_steps_done;
    result.damaged = loaded.damaged;
  }
  const TokenFile tokens(
      {training.text.string(), 1, training.job.seq_len, training.job.model.vocab_size, 0.1});
  options.on_step = [&](const StepRecord& record) {
    const bool due = training.save_every > 0 && (record.step + 1) % training.save_every == 0;
    if (!training.checkpoints.empty() && (due || record.last))
      save_checkpoint(training.checkpoints, *executor, program, {record.step + 1, "job"},
                      &communicator);
  };
  const Measurement measurement = train(*executor, program, tokens, options);
  const std::scoped_lock lock(mutex);
  RankRunner::collect(program, *executor, communicator.rank(), result.masters);
  if (communicator.rank() != 0) return;
  for (const StepRecord& step : measurement.steps) result.losses.push_back(step.loss);
}

inline RankTrainingResult train_on_ranks(RankTraining& training, const Plan& plan) {
  const StepProgram program = lower(training.job, plan, rank_target());
  RankTrainingResult result;
  std::mutex mutex;
  run_ranks(plan.parallel.dp, training.timeout, [&](Communicator& inner) {
    const bool faulty = inner.rank() == training.faulty_rank;
    FaultyCommunicator communicator(inner, faulty ? training.fault_at : -1, training.fault);
    try {
      train_rank(training, program, communicator, result, mutex);
    } catch (const RankError&) {
      ++training.n_stopped;
      throw;
    }
    const std::scoped_lock lock(mutex);
    if (inner.rank() == 0) result.n_calls = communicator.n_calls();
  });
  return result;
}

}  // namespace aforo::tiny
