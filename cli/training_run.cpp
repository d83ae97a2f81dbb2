#include "cli/training_run.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>

#include "cli/comparison.h"
#include "cli/terminal.h"
#include "cli/version.h"
#include "planner/base/error.h"
#include "planner/base/format.h"
#include "planner/report/words.h"
#include "planner/spec/enum_tables.h"
#include "planner/spec/model_file.h"
#include "runtime/comm/in_process.h"
#include "runtime/core/checkpoint.h"
#include "runtime/core/plugin.h"
#include "runtime/core/run_log.h"
#include "runtime/core/stop_signal.h"
#include "runtime/core/training_loop.h"

namespace aforo::cli {
namespace {

/// The prediction as the log keeps it: plain numbers and words.
Prediction prediction_of(const TrainingRun& run, const Device& device) {
  Prediction p;
  p.arena = run.program.memory.arena;
  p.process =
      run.launched() ? run.program.memory.arena + run.estimate.overhead : run.estimate.memory;
  p.step_time_low = Seconds(run.estimate.step_time.low);
  p.step_time_mid = Seconds(run.estimate.step_time.mid);
  p.step_time_high = Seconds(run.estimate.step_time.high);
  p.tokens_per_s = run.estimate.tokens_per_second.mid;
  p.device = device.line.name;
  p.origin = std::string(word(device.line.origin));
  for (const Section& section : run.program.sections)
    for (int i = section.begin; i < section.end; ++i) {
      const Op& op = run.program.ops[i];
      const Span& span = run.estimate.trace.spans[i];
      const Cost cost = cost_of(run.program, op);
      p.ops.push_back({i, describe(op.label), std::string(name_of(op)),
                       std::string(long_name(op.label.phase)), section.repeat, span.time,
                       cost.flops, cost.bytes, span.limited_by});
    }
  return p;
}

/// What a checkpoint must have in common with this run: all that is trained, not how it is laid
/// out.
std::string job_key(const PlanFile& file) {
  return fmt::format("{} seq_len {} global_batch_size {} seed {} optimizer {} precision {}\n{}",
                     file.job.data.path, file.job.seq_len, file.job.global_batch_size,
                     file.job.seed, enum_name(file.job.optimizer.kind),
                     enum_name(file.plan.precision), write_model(file.job.model));
}

void print_step(const TrainingRun& run, const StepRecord& record, std::int64_t n_steps) {
  const double predicted = run.estimate.step_time.mid;
  std::string line = fmt::format("step {:>5}/{}  loss {:.4f}  {:>8}  {:>8} tok/s", record.step + 1,
                                 n_steps, record.loss, format_time(record.time),
                                 format_count(static_cast<std::int64_t>(record.tokens_per_s)));
  line += record.profiled
              ? "  (op by op)"
              : fmt::format("  {:.0f} % of predicted", 100 * record.time.value / predicted);
  if (record.skipped) line += fmt::format("  skipped, loss scale {:g}", record.loss_scale);
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

LoopOptions loop_options(const TrainingRun& run, const Arguments& args) {
  LoopOptions options;
  const TrainingJob& job = run.file.job;
  options.n_steps = run.n_steps;
  options.seed = job.seed;
  options.learning_rate = [&job](std::int64_t step) {
    return learning_rate(job.optimizer, job.schedule, step, job.n_steps());
  };
  options.evaluate_every =
      args.find<int>("evaluate-every")
          .value_or(static_cast<int>(std::max<std::int64_t>(1, run.n_steps / 4)));
  options.evaluate_batches = args.get<int>("evaluate-batches");
  if (job.data.validation_fraction <= 0) options.evaluate_every = 0;
  options.profile_steps = args.get<int>("profile-steps");
  if (options.evaluate_every < 0 || options.evaluate_batches < 1 || options.profile_steps < 0)
    throw InputError(
        "--evaluate-every, --evaluate-batches and --profile-steps must not be negative (batches: "
        "at least 1)");
  return options;
}

int finish(const TrainingRun& run, const Measurement& measurement, const BudgetGuard& guard) {
  if (guard.on()) guard.keep();
  if (measurement.interrupted && guard.stopped()) {
    fmt::print(stderr,
               "aforo: stopped at the budget after step {} of {}: {}; go on with a larger "
               "--budget-usd, --checkpoint {} and --resume\n",
               measurement.n_steps_done, run.n_steps, guard.text(), run.checkpoint_folder);
    return static_cast<int>(ExitCode::over_budget);
  }
  if (measurement.interrupted) {
    fmt::print(stderr, "aforo: stopped after step {} of {}; {}\n", measurement.n_steps_done,
               run.n_steps,
               run.checkpoint_folder.empty()
                   ? "give --checkpoint to be able to resume"
                   : fmt::format("go on with --checkpoint {} --resume", run.checkpoint_folder));
    return static_cast<int>(ExitCode::resumable);
  }
  const RunRecord record = read_run_log(run.log_path);
  const Comparison comparison = comparison_of(record);
  if (run.json) {
    JsonWriter json;
    json.begin_object().field("schema_version", schema_version).field("log", run.log_path);
    write_comparison_json(json, comparison, run.program.memory);
    json.end_object();
    fmt::print("{}\n", json.text());
  } else {
    fmt::print("\n{}\nWrote {}. Next: aforo verify {}\n",
               comparison_text(comparison, run.program.memory, 10), run.log_path, run.log_path);
  }
  return 0;
}

/// Rank 0 speaks for all: the log and what is printed.
class Reporter {
 public:
  Reporter(const TrainingRun& run, const Prediction& prediction, std::int64_t first_step,
           bool resume)
      : run_(run),
        prediction_(prediction),
        environment_(read_environment(run.backends[0]->description())),
        log_(open(first_step, resume)) {}

  void step(const StepRecord& record) {
    log_.write(record);
    bar_.clear();
    if (!run_.json) print_step(run_, record, run_.n_steps);
    bar_.show(static_cast<double>(record.step + 1) / static_cast<double>(run_.n_steps), "");
  }
  void evaluation(const EvaluationRecord& record) {
    log_.write(record);
    bar_.clear();
    if (!run_.json) fmt::print("validation after step {}: loss {:.4f}\n", record.step, record.loss);
  }
  void end(const Measurement& measurement) {
    log_.write(join_profile(prediction_, measurement));
    log_.write(summarize(measurement, run_.file.job.tokens_per_step()));
    bar_.clear();
  }

 private:
  RunLog open(std::int64_t first_step, bool resume) const {
    if (resume && std::filesystem::exists(run_.log_path))
      return RunLog::resume(run_.log_path, first_step, environment_);
    return RunLog::create(run_.log_path, {write_plan_file(run_.file), run_.file.fingerprint,
                                          environment_, prediction_});
  }

  const TrainingRun& run_;
  Prediction prediction_;
  Environment environment_;
  RunLog log_;
  ProgressBar bar_{"training"};
};

/// What one rank does from first contents, or a checkpoint, to the end; rank 0 reports.
Measurement train_rank(const TrainingRun& run, const Arguments& args, const TokenFile& tokens,
                       const Device& device, const StopSignal& stop, BudgetGuard& guard,
                       Communicator* communicator) {
  const int rank = communicator == nullptr ? 0 : communicator->rank();
  const auto executor = run.backends[run.launched() ? 0 : rank]->load(run.program, communicator);
  const TouchedMemory touched = measure_touched(*executor, run.program);
  initialize(*executor, run.program, run.file.job.seed);
  const bool resume = args.has("resume");
  LoopOptions options = loop_options(run, args);
  options.stop = &stop.requested();
  options.communicator = communicator;
  const std::string key = job_key(run.file);
  if (resume)
    options.first_step =
        load_checkpoint(run.checkpoint_folder, *executor, run.program, key, communicator)
            .n_steps_done;
  if (options.first_step >= run.n_steps)
    throw InputError(fmt::format(
        "the checkpoint is at step {}, and this run ends at step {}; nothing is left to do",
        options.first_step, run.n_steps));
  if (rank == 0) guard.check_before_training();
  std::optional<Reporter> reporter;
  if (rank == 0) reporter.emplace(run, prediction_of(run, device), options.first_step, resume);
  const int save_every = args.get<int>("checkpoint-every");
  options.enough = [&](const StepRecord& record) {
    return rank == 0 && guard.step_done(record.time + record.data_time);
  };
  options.on_step = [&](const StepRecord& record) {
    if (reporter) reporter->step(record);
    const bool due = save_every > 0 && (record.step + 1) % save_every == 0;
    if (run.checkpoint_folder.empty() || !(due || record.last)) return;
    const auto start = std::chrono::steady_clock::now();
    save_checkpoint(run.checkpoint_folder, *executor, run.program, {record.step + 1, key},
                    communicator);
    if (rank == 0)
      guard.checkpoint_done(
          Seconds(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()));
  };
  options.on_evaluation = [&](const EvaluationRecord& record) {
    if (reporter) reporter->evaluation(record);
  };
  Measurement measurement = train(*executor, run.program, tokens, options);
  measurement.memory.touched = touched;
  if (reporter) reporter->end(measurement);
  return measurement;
}

/// One of several processes. What goes wrong here ends all of them, with one message.
int train_launched(const TrainingRun& run, const Arguments& args, const TokenFile& tokens,
                   const Device& device, const StopSignal& stop, BudgetGuard& guard) {
  const std::unique_ptr<Communicator> communicator =
      open_communicator("mpi", Seconds(args.get<double>("rank-timeout")), program_folder());
  const int rank = communicator->rank();
  const auto fail = [&](const std::string& message, ExitCode code, bool speaks) {
    // All ranks see that one is missing; the others leave the one that speaks time to do so.
    if (!speaks) std::this_thread::sleep_for(std::chrono::seconds(2));
    fmt::print(stderr, "aforo: {}\n", message);
    std::fflush(stderr);
    communicator->stop_all(static_cast<int>(code));
    return static_cast<int>(code);
  };
  try {
    if (rank == 0 && run.prints()) fmt::print("{}\n", communicator->description());
    const Measurement measurement =
        train_rank(run, args, tokens, device, stop, guard, communicator.get());
    if (rank == 0) return finish(run, measurement, guard);
    return measurement.interrupted ? static_cast<int>(ExitCode::resumable) : 0;
  } catch (const RankError& error) {
    return fail(error.what(), error.code(), rank == (error.rank == 0 ? 1 : 0));
  } catch (const Error& error) {
    return fail(fmt::format("rank {} failed: {}", rank, error.what()), error.code(), true);
  } catch (const std::exception& error) {
    return fail(fmt::format("rank {} failed: {}", rank, error.what()), ExitCode::rank_failed, true);
  }
}

}  // namespace

int train_plan(const TrainingRun& run, const Arguments& args, const TokenFile& tokens,
               const Device& device, BudgetGuard& guard) {
  const StopSignal stop;
  if (run.launched()) return train_launched(run, args, tokens, device, stop, guard);
  if (run.n_ranks() == 1)
    return finish(run, train_rank(run, args, tokens, device, stop, guard, nullptr), guard);
  Measurement of_rank_0;
  const Seconds timeout(args.get<double>("rank-timeout"));
  run_ranks(run.n_ranks(), timeout, [&](Communicator& communicator) {
    Measurement measurement = train_rank(run, args, tokens, device, stop, guard, &communicator);
    if (communicator.rank() == 0) of_rank_0 = std::move(measurement);
  });
  return finish(run, of_rank_0, guard);
}

}  // namespace aforo::cli
