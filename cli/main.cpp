#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "cli/command_table.h"
#include "cli/version.h"
#include "planner/base/error.h"
#include "planner/base/nearest.h"

namespace aforo::cli {
namespace {

void print_overview(std::FILE* out) {
  fmt::print(
      out,
      "aforo {}: does it fit, how long, how much money, what should I change; then it runs the "
      "plan it chose.\n\n"
      "  $ aforo fit llama-3.1-8b --gpu rtx-4090,h100\n"
      "  $ aforo estimate --model gpt2 --gpu rtx-4090 --seq-len 1024 --tokens 10B\n"
      "  $ aforo plan --model gpt-tiny --data book.txt -o plan.yaml && aforo run plan.yaml\n\n",
      aforo_version);
  for (const Command& command : commands())
    fmt::print(out, "  {:<12} {}\n", command.name, command.summary);
  fmt::print(out, "\n`aforo COMMAND --help` leads with examples. {}\n", exit_codes);
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
  for (const Command& command : commands()) {
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
