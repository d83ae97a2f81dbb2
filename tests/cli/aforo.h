#pragma once
// Runs the built binary as a user would, each test in a folder of its own.

#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace aforo::test {

struct Answer {
  int code = -1;  ///< exit status; 128 + signal if it was killed
  std::string out, err;
};

/// A folder with a text, the calibration of some machine and an empty home.
class Aforo {
 public:
  Aforo();

  /// Runs `aforo args...` in the folder.
  Answer operator()(std::vector<std::string> args) const;

  /// The same, interrupted (SIGINT) as soon as `signal_after` stands in its standard output.
  Answer interrupted(std::vector<std::string> args, const std::string& signal_after) const;

  /// The same under a launcher: `launcher` is its command line, "mpirun -n 2", found in PATH.
  Answer under(std::vector<std::string> launcher, std::vector<std::string> args) const;

  /// A plan for a tiny model, as `aforo plan` writes it: n steps on the text.
  Answer plan(const std::string& output, int n_steps,
              const std::vector<std::string>& further = {}) const;

  TemporaryFolder folder;

 private:
  int start(const std::vector<std::string>& command) const;
  Answer answer(int process) const;
};

}  // namespace aforo::test
