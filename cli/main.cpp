#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "cli/command.h"
#include "cli/version.h"
#include "planner/base/error.h"
#include "planner/base/nearest.h"

namespace aforo::cli {
namespace {

struct Command {
  const char* name;
  const char* summary;
  int (*run)(const CommandLine&);
};

/// In the order in which a user meets them.
constexpr Command commands[] = {
    {"fit", "does it fit? memory of a model by method, sequence length and card", run_fit},
    {"estimate", "one plan: FLOPs, memory, time, price", run_estimate},
    {"explain", "what strategies are claimed to bring, and what they bring here", run_explain},
    {"plan", "the best plan within memory, budget and deadline", run_plan},
    {"run", "execute a plan and log what it did", run_run},
    {"export", "a plan as a file for DeepSpeed, accelerate, Slurm, SkyPilot ...", run_export},
    {"verify", "predicted against measured, op by op", run_verify},
    {"report", "one page about plans and a run, to open, print or send", run_report},
    {"calibrate", "measure this machine, so that predictions hold on it", run_calibrate},
    {"validate", "predict published runs and score the predictions", run_validate},
    {"dump", "print the step program of a plan, after any pass", run_dump},
    {"models", "the models that are known", run_models},
    {"hardware", "the accelerators that are known", run_hardware},
    {"doctor", "what is here, what is missing, how to get it", run_doctor},
};

void print_overview(std::FILE* out) {
  fmt::print(
      out,
      "aforo {}: does it fit, how long, how much money, what should I change; then it runs the "
      "plan it chose.\n\n"
      "  $ aforo fit llama-3.1-8b --gpu rtx-4090,h100\n"
      "  $ aforo estimate --model gpt2 --gpu rtx-4090 --seq-len 1024 --tokens 10B\n"
      "  $ aforo plan --model gpt-tiny --data book.txt -o plan.yaml && aforo run plan.yaml\n\n",
      aforo_version);
  for (const Command& command : commands)
    fmt::print(out, "  {:<10} {}\n", command.name, command.summary);
  fmt::print(out,
             "\n`aforo COMMAND --help` leads with examples. Exit codes: 0 ok, 1 internal, 2 input, "
             "3 does not fit,\n"
             "4 over budget or deadline, 5 outside tolerance, 6 environment, 75 interrupted and "
             "resumable.\n");
}

int dispatch(const std::vector<std::string>& args) {
  if (args.empty() || args[0] == "--help" || args[0] == "-h" || args[0] == "help") {
    print_overview(args.empty() ? stderr : stdout);
    return args.empty() ? static_cast<int>(ExitCode::input) : 0;
  }
  if (args[0] == "--version") {
    fmt::print("aforo {}\n", aforo_version);
    return 0;
  }
  std::vector<std::string> names;
  for (const Command& command : commands) {
    if (args[0] == command.name) return command.run({args.begin() + 1, args.end()});
    names.emplace_back(command.name);
  }
  const std::string near = nearest(args[0], names);
  throw InputError(fmt::format("there is no command \"{}\"{}; `aforo --help` lists them", args[0],
                               near.empty() ? "" : fmt::format("; did you mean {}?", near)));
}

}  // namespace
}  // namespace aforo::cli

int main(int argc, char** argv) {
  using namespace aforo;
  try {
    const int code = cli::dispatch({argv + 1, argv + argc});
    if (std::fflush(stdout) != 0) throw EnvironmentError("cannot write to standard output");
    return code;
  } catch (const Error& error) {
    fmt::print(stderr, "aforo: {}\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::bad_alloc&) {
    fmt::print(
        stderr,
        "aforo: out of memory; a smaller micro_batch_size or more recomputation needs less\n");
    return static_cast<int>(ExitCode::environment);
  } catch (const std::exception& error) {
    fmt::print(stderr, "aforo: internal error: {}\n", error.what());
    return static_cast<int>(ExitCode::internal);
  }
}
