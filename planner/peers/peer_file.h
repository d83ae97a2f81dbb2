#pragma once
// Configuration files of other trainers and batch systems, as they are: every value with its place.

#include <optional>
#include <string>
#include <vector>

#include "planner/base/enum_names.h"
#include "planner/base/yaml_reader.h"

namespace aforo {

enum class PeerKind { accelerate, axolotl, deepspeed, sbatch };

template <>
struct EnumNames<PeerKind> {
  static constexpr EnumName<PeerKind> table[] = {{PeerKind::accelerate, "accelerate"},
                                                 {PeerKind::axolotl, "axolotl"},
                                                 {PeerKind::deepspeed, "deepspeed"},
                                                 {PeerKind::sbatch, "sbatch"}};
};

/// One option of a line "#SBATCH --name=value".
struct Directive {
  std::string name;  ///< long, "nodes" also for -N; as written if it is none that is known
  std::string value;
  std::string place;          ///< "run.sbatch:3:9"
  bool read_by_slurm = true;  ///< false behind the first command, or after "# SBATCH"
};

/// A line of a batch file that a shell runs; continued lines are joined.
struct BatchCommand {
  std::string text;
  std::string place;
};

struct BatchFile {
  std::vector<Directive> directives;
  std::vector<BatchCommand> commands;
  /// The last directive of that name that Slurm reads; nothing without.
  const Directive* find(std::string_view name) const;
};

struct PeerFile {
  PeerKind kind = PeerKind::deepspeed;
  std::string path;
  std::optional<YamlNode> root;  ///< of JSON and YAML; strict JSON is YAML
  BatchFile batch;               ///< of sbatch
  std::string not_json;          ///< of a file in braces that strict readers refuse: where and why
};

/// Reads a file of 1 MiB at most; its kind by its content unless given. Throws InputError with the
/// place of what is no JSON, YAML or batch file, and if the kind cannot be told.
PeerFile read_peer_file(const std::string& path, std::optional<PeerKind> kind = std::nullopt);
PeerFile read_peer_text(const std::string& text, const std::string& path,
                        std::optional<PeerKind> kind = std::nullopt);

}  // namespace aforo
