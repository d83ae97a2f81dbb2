#pragma once
// Errors by whose fault they are. The exit codes are a promise to scripts; docs/formats.md lists
// them.

#include <stdexcept>
#include <string>

namespace aforo {

enum class ExitCode : int {
  ok = 0,
  internal = 1,           ///< a defect of aforo
  input = 2,              ///< usage, or a file that is wrong
  infeasible = 3,         ///< does not fit, or no plan exists: an answer, not a failure
  over_budget = 4,        ///< over budget or deadline
  outside_tolerance = 5,  ///< measured differs from predicted by more than the tolerance
  environment = 6,        ///< something of this machine is missing or broken
  rank_failed = 7,        ///< one of several ranks failed or hung; all stopped
  resumable = 75,         ///< interrupted; what was done is kept and `--resume` goes on
};

/// Base of all errors that aforo raises on purpose. `what()` is one line, lower case, without a
/// period.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

/// The user's file or flag is wrong. The message carries place, both values and the way out.
struct InputError : Error {
  explicit InputError(const std::string& message) : Error(ExitCode::input, message) {}
};

/// A file, library or device of this machine is missing or broken.
struct EnvironmentError : Error {
  explicit EnvironmentError(const std::string& message) : Error(ExitCode::environment, message) {}
};

/// A rule of the program was broken: a defect of aforo.
struct InternalError : Error {
  explicit InternalError(const std::string& message) : Error(ExitCode::internal, message) {}
};

}  // namespace aforo
