#pragma once
// Runs a tiny program on several in-process ranks for some steps, on made-up tokens that do not
// depend on the number of ranks.

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "planner/lower/lower.h"
#include "runtime/comm/in_process.h"
#include "runtime/core/training_loop.h"
#include "runtime/cpu/backend.h"
#include "tests/support/rank_plans.h"
#include "tests/support/runner.h"

namespace aforo::tiny {

/// What a run leaves: the same for every layout, if the layout does not matter.
struct RankResult {
  std::vector<double> losses;  ///< by step, of rank 0; the last is of an evaluation
  std::vector<double> norms;
  std::map<std::string, std::vector<float>> masters;  ///< whole parameters, by name
  std::vector<Traffic> traffic;                       ///< by rank, of all steps
  StepProgram program;
};

/// A rank's program on its own executor.
class RankRunner {
 public:
  RankRunner(const TrainingJob& job, const StepProgram& program, Backend& backend,
             Communicator& communicator)
      : job_(job),
        program_(program),
        communicator_(communicator),
        executor_(backend.load(program, &communicator)) {
    initialize(*executor_, program_, 1);
  }

  Executor& executor() { return *executor_; }

  double step(int index, float learning_rate) {
    write_values(*executor_, program_.ports.schedule,
                 std::array<float, schedule::size>{learning_rate});
    executor_->run(SectionKind::begin);
    for (int micro = 0; micro < program_.grad_accum(); ++micro) {
      write_tokens(index, micro * communicator_.n_ranks() + communicator_.rank());
      executor_->run(SectionKind::micro_step);
    }
    executor_->run(SectionKind::optimizer);
    return loss_sum() / static_cast<double>(job_.tokens_per_step());
  }

  double evaluate(int index) {
    write_values(*executor_, program_.ports.loss_sum, std::array<double, 1>{});
    for (int micro = 0; micro < program_.grad_accum(); ++micro) {
      write_tokens(index, micro * communicator_.n_ranks() + communicator_.rank());
      executor_->run(SectionKind::evaluate);
    }
    return loss_sum();
  }

  double gradient_norm() const {
    std::array<float, control::size> control{};
    read_values(*executor_, program_.ports.control, control);
    return control[control::gradient_norm];
  }

  /// Puts what this rank holds of the masters into place.
  void collect(std::map<std::string, std::vector<float>>& masters) const {
    collect(program_, *executor_, communicator_.rank(), masters);
  }
  static void collect(const StepProgram& program, const Executor& executor, int rank,
                      std::map<std::string, std::vector<float>>& masters) {
    for (BufferId id : program.parameters) {
      const Buffer& buffer = program.buffers[id];
      std::vector<float> values(static_cast<std::size_t>(buffer.shape.numel()));
      read_values(executor, id, values);
      const FlatUnit& unit = program.units[buffer.unit];
      const std::int64_t numel = buffer.shape.numel();
      const std::int64_t begin = rank % (unit.numel / numel) * numel;
      for (const FlatSegment& segment : unit.segments) {
        std::vector<float>& whole = masters[segment.name];
        whole.resize(static_cast<std::size_t>(segment.shape.numel()));
        for (std::int64_t i = 0; i < segment.shape.numel(); ++i)
          if (const std::int64_t at = segment.begin + i - begin; at >= 0 && at < numel)
            whole[i] = values[at];
      }
    }
  }

 private:
  double loss_sum() const {
    std::array<double, 1> sum{};
    read_values(*executor_, program_.ports.loss_sum, sum);
    return sum[0];
  }

  void write_tokens(int index, int micro) {
    const int seq_len = job_.seq_len, n = static_cast<int>(program_.rows) / seq_len;
    std::vector<std::int32_t> tokens, targets;
    for (int i = 0; i < n; ++i)
      for (int t = 0; t < seq_len; ++t) {
        tokens.push_back(formula_token(index, micro * n + i, t, job_.model.vocab_size));
        targets.push_back(formula_token(index, micro * n + i, t + 1, job_.model.vocab_size));
      }
    write_values(*executor_, program_.ports.tokens, tokens);
    write_values(*executor_, program_.ports.targets, targets);
  }

  const TrainingJob& job_;
  const StepProgram& program_;
  Communicator& communicator_;
  std::unique_ptr<Executor> executor_;
};

constexpr Seconds rank_timeout{20};

inline RankResult run_on_ranks(const TrainingJob& job, const Plan& plan, int n_steps,
                               bool separate = false) {
  RankResult result;
  result.program = lower(job, plan, rank_target());
  verify(result.program);
  result.traffic.resize(static_cast<std::size_t>(plan.parallel.dp));
  std::mutex mutex;
  run_ranks(plan.parallel.dp, rank_timeout, [&](Communicator& communicator) {
    const auto backend = separate ? make_cpu_backend_separate(1) : make_cpu_backend(1);
    RankRunner runner(job, result.program, *backend, communicator);
    for (int i = 0; i < n_steps; ++i) {
      const double loss = runner.step(i, 1e-2f);
      if (communicator.rank() != 0) continue;
      result.losses.push_back(loss);
      result.norms.push_back(runner.gradient_norm());
    }
    result.traffic[communicator.rank()] = communicator.traffic();
    const double validation = runner.evaluate(n_steps);
    const std::scoped_lock lock(mutex);
    if (communicator.rank() == 0) result.losses.push_back(validation);
    runner.collect(result.masters);
  });
  return result;
}

}  // namespace aforo::tiny
