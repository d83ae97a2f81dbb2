#pragma once
// The one table of commands: dispatch, help, completions and manual pages read it.

#include <span>

#include "cli/command.h"

namespace aforo::cli {

struct Command {
  const char* name;
  const char* summary;
  int (*run)(const CommandLine&);
};

/// In the order in which a user meets them.
std::span<const Command> commands();

/// What the overview says of exit codes.
inline constexpr const char* exit_codes =
    "Exit codes: 0 ok, 1 internal, 2 input, 3 does not fit,\n"
    "4 over budget or deadline, 5 outside tolerance, 6 environment, 7 a rank failed, 75 interrupted and resumable.";

}  // namespace aforo::cli
