#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <optional>

#include "cli/arguments.h"
#include "cli/backends.h"
#include "cli/budget_guard.h"
#include "cli/command.h"
#include "cli/comparison.h"
#include "cli/inputs.h"
#include "cli/terminal.h"
#include "cli/version.h"
#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/format.h"
#include "planner/lower/lower.h"
#include "planner/report/estimate_report.h"
#include "planner/report/words.h"
#include "planner/simulate/simulate.h"
#include "planner/spec/enum_tables.h"
#include "planner/spec/model_file.h"
#include "planner/spec/plan_file.h"
#include "runtime/core/checkpoint.h"
#include "runtime/core/run_log.h"
#include "runtime/core/stop_signal.h"
#include "runtime/core/training_loop.h"

namespace aforo::cli {
namespace {

/// Everything one run needs, opened and checked before the first step.
struct Run {
  PlanFile file;
  StepProgram program;
  Estimate estimate;
  std::unique_ptr<Backend> backend;
  std::string log_path;
  std::string checkpoint_folder;  ///< empty: none
  std::int64_t n_steps = 0;
  bool json = false;
};

StepProgram checked_program(const PlanFile& file, const std::string& path) {
  StepProgram program = lower(file.job, file.plan, target_of(file.target));
  const std::string here = fingerprint(program);
  if (here != file.fingerprint)
    throw InputError(fmt::format(
        "{}: made for program {}, but this build lowers it to {}; run `aforo plan` again", path,
        file.fingerprint, here));
  verify(program);
  return program;
}

TokenFile open_tokens(const PlanFile& file, const std::string& path) {
  if (file.job.data.path.empty())
    throw InputError(
        fmt::format("{}: the plan names no data; make it with `aforo plan ... --data FILE`", path));
  TokenFileOptions options;
  options.path = file.job.data.path;
  options.bytes_per_token = file.job.data.format == DataFormat::uint16 ? 2 : 1;
  options.seq_len = file.job.seq_len;
  options.vocab_size = file.job.model.vocab_size;
  options.validation_fraction = file.job.data.validation_fraction;
  return TokenFile(options);
}

/// The prediction as the log keeps it: plain numbers and words.
Prediction prediction_of(const Run& run, const Device& device) {
  Prediction p;
  p.arena = run.program.memory.arena;
  p.process = run.estimate.memory;
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

void print_step(const Run& run, const StepRecord& record, std::int64_t n_steps) {
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

LoopOptions loop_options(const Run& run, const Arguments& args) {
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

Run open_run(const Arguments& args, const std::string& path) {
  Run run;
  run.json = args.json();
  run.file = read_plan_file(path);
  if (run.file.plan.engine != "native")
    throw InputError(
        fmt::format("{}: this plan is for engine {}; `aforo run` executes native "
                    "plans: plan with --engine native",
                    path, run.file.plan.engine));
  if (run.file.plan.parallel.dp != 1)
    throw InputError(fmt::format("{}: dp is {}; this build runs one rank, so plan for one device",
                                 path, run.file.plan.parallel.dp));
  run.program = checked_program(run.file, path);
  run.n_steps = run.file.job.n_steps();
  if (const auto steps = args.find<int>("steps")) {
    if (*steps < 1) throw InputError(fmt::format("--steps is {}; expected at least 1", *steps));
    run.n_steps = std::min<std::int64_t>(run.n_steps, *steps);
  }
  run.log_path = args.find<std::string>("log").value_or(
      std::filesystem::path(path).replace_extension("").string() + ".run.jsonl");
  run.checkpoint_folder = args.find<std::string>("checkpoint").value_or("");
  return run;
}

void check_memory(const Run& run, const Environment& environment) {
  if (run.file.target != "cpu" || environment.memory_free.value <= 0 ||
      run.estimate.memory <= environment.memory_free)
    return;
  throw EnvironmentError(fmt::format(
      "the plan needs {:.2f} GiB, but {:.2f} GiB of memory are free here; plan again with "
      "--memory-limit, or stop other programs",
      as_gib(run.estimate.memory), as_gib(environment.memory_free)));
}

int finish(const Run& run, const Measurement& measurement, const BudgetGuard& guard) {
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

int execute(Run& run, const Arguments& args, const TokenFile& tokens, const Device& device,
            BudgetGuard& guard) {
  const auto executor = run.backend->load(run.program);
  const TouchedMemory touched = measure_touched(*executor, run.program);
  initialize(*executor, run.program, run.file.job.seed);
  const bool resume = args.has("resume");
  LoopOptions options = loop_options(run, args);
  if (resume)
    options.first_step =
        load_checkpoint(run.checkpoint_folder, *executor, run.program, job_key(run.file))
            .n_steps_done;
  if (options.first_step >= run.n_steps)
    throw InputError(fmt::format(
        "the checkpoint is at step {}, and this run ends at step {}; nothing is left to do",
        options.first_step, run.n_steps));

  guard.check_before_training();
  const Environment environment = read_environment(run.backend->description());
  const RunHeader header{write_plan_file(run.file), run.file.fingerprint, environment,
                         prediction_of(run, device)};
  RunLog log = resume && std::filesystem::exists(run.log_path)
                   ? RunLog::resume(run.log_path, options.first_step, environment)
                   : RunLog::create(run.log_path, header);
  const StopSignal stop;
  options.stop = &stop.requested();
  ProgressBar bar("training");
  const int save_every = args.get<int>("checkpoint-every");
  options.on_step = [&](const StepRecord& record) {
    log.write(record);
    bar.clear();
    if (!run.json) print_step(run, record, run.n_steps);
    bar.show(static_cast<double>(record.step + 1) / static_cast<double>(run.n_steps), "");
    const bool due = save_every > 0 && (record.step + 1) % save_every == 0;
    if (guard.step_done(record.time + record.data_time)) stop.request();
    if (!run.checkpoint_folder.empty() &&
        (due || stop.requested() || record.step + 1 == run.n_steps)) {
      const auto start = std::chrono::steady_clock::now();
      save_checkpoint(run.checkpoint_folder, *executor, run.program,
                      {record.step + 1, job_key(run.file)});
      guard.checkpoint_done(
          Seconds(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()));
    }
  };
  options.on_evaluation = [&](const EvaluationRecord& record) {
    log.write(record);
    bar.clear();
    if (!run.json) fmt::print("validation after step {}: loss {:.4f}\n", record.step, record.loss);
  };
  Measurement measurement = train(*executor, run.program, tokens, options);
  measurement.memory.touched = touched;
  log.write(join_profile(header.prediction, measurement));
  log.write(summarize(measurement, run.file.job.tokens_per_step()));
  bar.clear();
  return finish(run, measurement, guard);
}

}  // namespace

int run_run(const CommandLine& command_line) {
  const Help help{"run",
                  "PLAN.yaml [--steps N] [options]",
                  "Executes a plan: one line a step, a log with prediction and measurement, and "
                  "how far off the prediction was.",
                  {"aforo run plan.yaml", "aforo run plan.yaml --steps 20 --log run.jsonl",
                   "aforo run plan.yaml --checkpoint ckpt --checkpoint-every 100",
                   "aforo run plan.yaml --checkpoint ckpt --resume",
                   "aforo run plan.yaml --checkpoint ckpt --budget-usd 20 --usd-per-hour 0.35"},
                  "The last --profile-steps steps run op by op and are left out of the step time. "
                  "Ctrl-C ends the run after the "
                  "current step with exit code 75; with --checkpoint it can be resumed."};
  po::options_description options("options");
  options.add_options()("plan", po::value<std::string>(), "a plan that `aforo plan` wrote")(
      "steps", po::value<int>(), "stop after this many steps")(
      "log", po::value<std::string>(), "JSONL log; default: beside the plan, .run.jsonl")(
      "threads", po::value<int>()->default_value(0),
      "threads of the CPU backend; default: all cores")(
      "evaluate-every", po::value<int>(),
      "steps between validations; 0: never; default: a quarter of the run")(
      "evaluate-batches", po::value<int>()->default_value(4), "batches per validation")(
      "profile-steps", po::value<int>()->default_value(3),
      "steps at the end that are timed op by op")("checkpoint", po::value<std::string>(),
                                                  "folder for checkpoints")(
      "checkpoint-every", po::value<int>()->default_value(0),
      "steps between checkpoints; 0: only at the end or when stopped")(
      "resume", po::bool_switch(), "go on from the newest intact checkpoint in --checkpoint")(
      "budget-usd", po::value<double>(),
      "stop, after a checkpoint and with exit code 4, before the run costs more")(
      "usd-per-hour", po::value<double>(),
      "for --budget-usd: of all devices together; default: the plan's");
  const Arguments args(help, options, {"plan"}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;

  const std::string path = args.require("plan");
  if (args.has("resume") && !args.has("checkpoint"))
    throw InputError("--resume needs --checkpoint FOLDER");
  Run run = open_run(args, path);
  BudgetGuard guard(args, run.file);
  const TokenFile tokens = open_tokens(run.file, path);
  const Device device = device_of(run.file.hardware, run.file.plan.parallel.dp);
  run.estimate = simulate(run.program, run.file.job, run.file.plan, *device.model);
  run.backend = backend_for(run.file.target, args.get<int>("threads"));
  check_memory(run, read_environment(run.backend->description()));
  if (!run.json)
    fmt::print("{}\n{} on {}\npredicted: {} a step, {} tokens/s, {:.1f} MiB\n\n",
               run.file.job.model.name, plan_line(run.file.job, run.file.plan),
               run.backend->description(), format_time(Seconds(run.estimate.step_time.mid)),
               format_count(static_cast<std::int64_t>(run.estimate.tokens_per_second.mid)),
               as_mib(run.estimate.memory));
  return execute(run, args, tokens, device, guard);
}

}  // namespace aforo::cli
