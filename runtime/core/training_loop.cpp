#include "runtime/core/training_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "planner/base/error.h"
#include "runtime/core/profile.h"

namespace aforo {
namespace {

using Clock = std::chrono::steady_clock;

Seconds since(Clock::time_point start) {
  return Seconds(std::chrono::duration<double>(Clock::now() - start).count());
}

bool has_section(const StepProgram& program, SectionKind kind) {
  return std::any_of(program.sections.begin(), program.sections.end(),
                     [&](const Section& section) { return section.kind == kind; });
}

/// One run over the steps of a job: what the functions below share.
class TrainingRun {
 public:
  TrainingRun(Executor& executor, const StepProgram& program, const TokenFile& tokens,
              const LoopOptions& options)
      : executor_(executor), program_(program), tokens_(tokens), options_(options) {}

  Measurement run() {
    check();
    const std::int64_t n_plain = options_.n_steps - n_profiled();
    result_.n_steps_done = std::min(options_.first_step, options_.n_steps);
    stopping_ = stop_wanted();
    for (std::int64_t step = options_.first_step; step < options_.n_steps && !stopping_; ++step)
      one_step(step, step >= n_plain);
    result_.interrupted = result_.n_steps_done < options_.n_steps;
    finish();
    return std::move(result_);
  }

 private:
  void check() const {
    if (tokens_.seq_len() != program_.seq_len)
      throw InternalError(fmt::format("the tokens come in sequences of {}, the program wants {}",
                                      tokens_.seq_len(), program_.seq_len));
    const int n_ranks = options_.communicator == nullptr ? 1 : options_.communicator->n_ranks();
    if (n_ranks != program_.n_ranks)
      throw InternalError(fmt::format("{} ranks train a program of {}", n_ranks, program_.n_ranks));
    if (!options_.learning_rate) throw InternalError("the training loop has no learning rate");
    if (options_.evaluate_every > 0 && !tokens_.has_validation())
      throw InputError(
          "evaluation is wanted, but validation_fraction is 0; set it to 0.1 or evaluate never");
  }

  std::int64_t n_profiled() const {
    const std::int64_t n = std::max<std::int64_t>(options_.n_steps - options_.first_step, 0);
    return std::clamp<std::int64_t>(options_.profile_steps, 0, n / 2);
  }

  /// On every rank if on one: a rank that went on alone would wait for the others.
  bool stop_wanted(bool enough = false) const {
    const bool mine = enough || (options_.stop != nullptr && options_.stop->load());
    return options_.communicator == nullptr ? mine : options_.communicator->any(mine, "stop");
  }

  int rank() const { return options_.communicator == nullptr ? 0 : options_.communicator->rank(); }
  std::int64_t n_sequences() const { return program_.rows / program_.seq_len; }  // of a micro-step
  std::int64_t step_tokens() const {
    return program_.rows * program_.grad_accum() * program_.n_ranks;
  }
  /// Of micro-step `i` of this rank, its first sequence in the whole batch.
  std::int64_t first_sequence(std::int64_t i) const {
    return (i * program_.n_ranks + rank()) * n_sequences();
  }

  void one_step(std::int64_t step, bool profiled) {
    StepRecord record{step};
    record.profiled = profiled;
    record.learning_rate = options_.learning_rate(step);
    std::array<float, schedule::size> schedule{};
    schedule[schedule::learning_rate] = static_cast<float>(record.learning_rate);

    const Clock::time_point start = Clock::now();
    write_values(executor_, program_.ports.schedule, schedule);
    run_section(SectionKind::begin, profiled);
    for (std::int64_t i = 0; i < program_.grad_accum(); ++i) {
      const Clock::time_point data_start = Clock::now();
      const Batch batch =
          tokens_.training_batch(options_.seed, step, first_sequence(i), n_sequences());
      record.data_time += since(data_start);
      write_batch(batch);
      run_section(SectionKind::micro_step, profiled);
    }
    run_section(SectionKind::optimizer, profiled);
    record.time = since(start) - record.data_time;

    read_results(record);
    keep(record);
    if (wants_evaluation(step)) evaluate(step + 1);
  }

  void write_batch(const Batch& batch) {
    write_values(executor_, program_.ports.tokens, batch.tokens);
    write_values(executor_, program_.ports.targets, batch.targets);
  }

  void run_section(SectionKind kind, bool profiled) {
    if (profiled) {
      profile_.add(program_.section(kind), executor_.run_profiled(kind));
    } else {
      executor_.run(kind);
    }
  }

  double mean_loss(std::int64_t n_tokens) const {
    std::array<double, 1> loss_sum{};
    read_values(executor_, program_.ports.loss_sum, loss_sum);
    return loss_sum[0] / static_cast<double>(n_tokens);
  }

  void read_results(StepRecord& record) const {
    std::array<float, control::size> control{};
    read_values(executor_, program_.ports.control, control);
    record.loss = mean_loss(step_tokens());
    record.tokens_per_s = static_cast<double>(step_tokens()) / record.time.value;
    record.gradient_norm = control[control::gradient_norm];
    record.loss_scale = control[control::loss_scale];
    record.skipped = control[control::skip] != 0;
  }

  void keep(StepRecord record) {
    const bool enough = options_.enough && options_.enough(record);
    stopping_ = stop_wanted(enough);
    record.last = stopping_ || record.step + 1 == options_.n_steps;
    result_.steps.push_back(record);
    if (!record.profiled) result_.step_times.push_back(record.time);
    result_.n_steps_done = record.step + 1;
    if (options_.on_step) options_.on_step(result_.steps.back());
  }

  bool wants_evaluation(std::int64_t step) const {
    if (options_.evaluate_every <= 0) return false;
    return (step + 1) % options_.evaluate_every == 0 || step + 1 == options_.n_steps;
  }

  /// Whole batches of a step, so that neither which windows are read nor the order of their sum
  /// depends on the micro-batch.
  void evaluate(std::int64_t n_steps_done) {
    const Clock::time_point start = Clock::now();
    const std::int64_t n_runs = options_.evaluate_batches * program_.grad_accum();
    const std::int64_t n_windows = n_runs * n_sequences() * program_.n_ranks;
    write_values(executor_, program_.ports.loss_sum, std::array<double, 1>{});
    for (std::int64_t i = 0; i < n_runs; ++i) {
      write_batch(tokens_.validation_batch(first_sequence(i), n_sequences(), n_windows));
      executor_.run(SectionKind::evaluate);
    }
    result_.evaluations.push_back(
        {n_steps_done, mean_loss(n_windows * program_.seq_len), since(start)});
    if (options_.on_evaluation) options_.on_evaluation(result_.evaluations.back());
  }

  void finish() {
    // The last batch is still in its buffers: a forward pass over it times the evaluation's ops.
    if (!profile_.empty() && has_section(program_, SectionKind::evaluate))
      run_section(SectionKind::evaluate, true);
    std::vector<Seconds> times = result_.step_times;
    if (times.size() > 1) times.erase(times.begin());
    result_.trace.step_time = median(std::move(times));
    if (!profile_.empty()) result_.trace.spans = profile_.spans(program_);
    const ResidentMemory resident = resident_memory();
    result_.trace.arena = result_.memory.arena = program_.memory.arena;
    result_.trace.process = result_.memory.process = resident.now;
    result_.memory.process_peak = resident.peak;
  }

  Executor& executor_;
  const StepProgram& program_;
  const TokenFile& tokens_;
  const LoopOptions& options_;
  Profile profile_;
  Measurement result_;
  bool stopping_ = false;
};

}  // namespace

void initialize(Executor& executor, const StepProgram& program, std::uint64_t seed) {
  executor.initialize(seed);
  std::array<float, control::size> control{};
  control[control::loss_scale] = program.initial_loss_scale;
  write_values(executor, program.ports.control, control);
}

Measurement train(Executor& executor, const StepProgram& program, const TokenFile& tokens,
                  const LoopOptions& options) {
  return TrainingRun(executor, program, tokens, options).run();
}

}  // namespace aforo
