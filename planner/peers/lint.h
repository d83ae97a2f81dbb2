#pragma once
// What is wrong with a configuration file: what its reader refuses, what it ignores silently, and
// what contradicts itself.

#include <span>
#include <string>
#include <vector>

#include "planner/peers/peer_file.h"
#include "planner/peers/peer_keys.h"

namespace aforo {

/// error: the reader refuses the file, or the run is not what the file says.  warning: a setting is
/// ignored silently, or is likely to be a mistake.
enum class Severity { error, warning };

template <>
struct EnumNames<Severity> {
  static constexpr EnumName<Severity> table[] = {{Severity::error, "error"},
                                                 {Severity::warning, "warning"}};
};

struct Finding {
  std::string place;  ///< "ds_config.json:7:5"
  Severity severity = Severity::error;
  std::string rule;     ///< unknown-key, contradiction, ignored, missing, deprecated, value
  std::string message;  ///< both values and the way out
};

/// In the order of the file. `n_devices` 0: not known, and rules that need it are left out.
std::vector<Finding> lint(const PeerFile& file, int n_devices = 0);

/// A key by the documents of another tool, and what this one calls it.
struct OtherWord {
  std::string_view other, ours;
};

/// What the rules of one kind are given, and where they report.
class Linter {
 public:
  Linter(const PeerFile& file, const PeerKeys& keys, int n_devices)
      : file_(file), keys_(keys), n_devices_(n_devices) {}

  const PeerFile& file() const { return file_; }
  const YamlNode& root() const { return *file_.root; }
  const PeerKeys& keys() const { return keys_; }
  int n_devices() const { return n_devices_; }

  /// At the key of `path`.
  void report(std::string_view path, Severity severity, const char* rule, std::string message);
  void report_place(std::string place, Severity severity, const char* rule, std::string message);

  /// Keys of the map at `path` ("" for the root) that `known` has not. `consequence` says what the
  /// reader does with them; `other_words` what others call a key that the reader calls otherwise.
  void unknown_keys(std::string_view path, const std::vector<std::string>& known, Severity severity,
                    std::string_view consequence, std::span<const OtherWord> other_words = {});

  std::vector<Finding> take();

 private:
  const PeerFile& file_;
  const PeerKeys& keys_;
  int n_devices_;
  std::vector<Finding> findings_;
};

void lint_accelerate(Linter& lint);
void lint_axolotl(Linter& lint);
void lint_deepspeed(Linter& lint);
void lint_sbatch(Linter& lint);

}  // namespace aforo
