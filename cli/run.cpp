#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "cli/arguments.h"
#include "cli/backends.h"
#include "cli/budget_guard.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/planned.h"
#include "cli/training_run.h"
#include "planner/base/error.h"
#include "planner/base/format.h"
#include "planner/report/estimate_report.h"
#include "planner/simulate/simulate.h"
#include "planner/spec/plan_file.h"
#include "runtime/core/environment.h"
#include "runtime/core/run_log.h"

namespace aforo::cli {
namespace {

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

/// A log goes on with the program that it predicted, op by op; its losses alone could go on with
/// any.
void check_log(const TrainingRun& run, const std::string& path) {
  if (!std::filesystem::exists(run.log_path)) return;
  const std::string logged = read_run_log(run.log_path).header.fingerprint;
  if (logged != run.file.fingerprint)
    throw InputError(fmt::format(
        "{}: is the log of program {}, but {} is program {}; name another file with --log",
        run.log_path, logged, path, run.file.fingerprint));
}

TrainingRun open_run(const Arguments& args, const std::string& path) {
  TrainingRun run;
  run.json = args.json();
  run.file = read_plan_file(path);
  if (run.file.plan.engine != "native")
    throw InputError(
        fmt::format("{}: this plan is for engine {}; `aforo run` executes native "
                    "plans: plan with --engine native",
                    path, run.file.plan.engine));
  if (run.n_ranks() > 1 && run.file.target != "cpu")
    throw InputError(
        fmt::format("{}: dp is {} and the target {}; this build runs several ranks on the cpu, and "
                    "one on others",
                    path, run.n_ranks(), run.file.target));
  run.launch = read_launch();
  if (run.launched() && run.launch.n_ranks != run.n_ranks())
    throw InputError(fmt::format(
        "{}: dp is {}, but the launcher started {} ranks; start {}, or plan with --ranks {}", path,
        run.n_ranks(), run.launch.n_ranks, run.n_ranks(), run.launch.n_ranks));
  run.program = checked_program(run.file, path);
  run.n_steps = run.file.job.n_steps();
  if (const auto steps = args.find<int>("steps")) {
    if (*steps < 1) throw InputError(fmt::format("--steps is {}; expected at least 1", *steps));
    run.n_steps = std::min<std::int64_t>(run.n_steps, *steps);
  }
  run.log_path = args.find<std::string>("log").value_or(
      std::filesystem::path(path).replace_extension("").string() + ".run.jsonl");
  run.checkpoint_folder = args.find<std::string>("checkpoint").value_or("");
  if (args.has("resume")) check_log(run, path);
  return run;
}

void check_memory(const TrainingRun& run, const Environment& environment) {
  if (run.file.target != "cpu" || environment.memory_free.value <= 0 ||
      run.estimate.memory <= environment.memory_free)
    return;
  throw EnvironmentError(fmt::format(
      "the plan needs {:.2f} GiB, but {:.2f} GiB of memory are free here; plan again with "
      "--memory-limit, or stop other programs",
      as_gib(run.estimate.memory), as_gib(environment.memory_free)));
}

/// Cores of a rank that are not shared: those that a launcher bound it to, else its share of all.
int threads_of_rank(int n_usable, int n_ranks, bool launched) {
  const bool bound = launched && n_usable < static_cast<int>(std::thread::hardware_concurrency());
  return bound ? n_usable : std::max(1, n_usable / n_ranks);
}

/// One a rank of this process; the threads are shared between all ranks.
std::vector<std::unique_ptr<Backend>> open_backends(const TrainingRun& run, int n_threads) {
  std::vector<std::unique_ptr<Backend>> backends;
  backends.push_back(backend_for(run.file.target, n_threads));
  if (run.n_ranks() == 1) return backends;
  const int each = threads_of_rank(backends[0]->n_threads(), run.n_ranks(), run.launched());
  backends.clear();
  for (int rank = 0; rank < (run.launched() ? 1 : run.n_ranks()); ++rank)
    backends.push_back(backend_for(run.file.target, each));
  return backends;
}

std::string ranks_line(const TrainingRun& run) {
  if (run.n_ranks() == 1) return run.backends[0]->description();
  return fmt::format("{} ranks{}, each {}", run.n_ranks(), run.launched() ? "" : " in this process",
                     run.backends[0]->description());
}

}  // namespace

int run_run(const CommandLine& command_line) {
  const Help help{
      "run",
      "PLAN.yaml [--steps N] [options]",
      "Executes a plan: one line a step, a log with prediction and measurement, and "
      "how far off the prediction was.",
      {"aforo run plan.yaml", "aforo run plan.yaml --steps 20 --log run.jsonl",
       "aforo run plan.yaml --checkpoint ckpt --checkpoint-every 100",
       "aforo run plan.yaml --checkpoint ckpt --resume",
       "aforo run plan.yaml --checkpoint ckpt --budget-usd 20 --usd-per-hour 0.35",
       "mpirun -n 4 aforo run plan-of-4-ranks.yaml"},
      "The last --profile-steps steps run op by op and are left out of the step time. "
      "Ctrl-C ends the run after the "
      "current step with exit code 75; with --checkpoint it can be resumed.\n"
      "A plan with dp above 1 runs its ranks as threads that share the cores, or as the "
      "processes of mpirun or srun; if one fails or hangs, all stop and the message names "
      "it (exit code 7). Checkpoints resume under another dp and sharding."};
  po::options_description options("options");
  options.add_options()("plan", po::value<std::string>(), "a plan that `aforo plan` wrote")(
      "steps", po::value<int>(), "stop after this many steps")(
      "log", po::value<std::string>(), "JSONL log; default: beside the plan, .run.jsonl")(
      "threads", po::value<int>()->default_value(0),
      "threads of the CPU backend, of all ranks together; default: all cores")(
      "rank-timeout", po::value<double>()->default_value(300),
      "seconds that ranks wait for each other before they stop")(
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
  TrainingRun run = open_run(args, path);
  BudgetGuard guard(args, run.file);
  const TokenFile tokens = open_tokens(run.file, path);
  const Device device = device_of(run.file.hardware, run.file.plan.parallel.dp);
  run.estimate = simulate(run.program, run.file.job, run.file.plan, *device.model);
  run.backends = open_backends(run, args.get<int>("threads"));
  if (!(args.get<double>("rank-timeout") > 0))
    throw InputError(fmt::format("--rank-timeout is {}; expected seconds above 0",
                                 args.get<double>("rank-timeout")));
  check_memory(run, read_environment(run.backends[0]->description()));
  if (run.prints())
    fmt::print("{}\n{} on {}\npredicted: {} a step, {} tokens/s, {:.1f} MiB\n\n",
               run.file.job.model.name, plan_line(run.file.job, run.file.plan), ranks_line(run),
               format_time(Seconds(run.estimate.step_time.mid)),
               format_count(static_cast<std::int64_t>(run.estimate.tokens_per_second.mid)),
               as_mib(run.estimate.memory));
  return train_plan(run, args, tokens, device, guard);
}

}  // namespace aforo::cli
