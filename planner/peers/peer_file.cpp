#include "planner/peers/peer_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/peers/batch_file.h"

namespace aforo {
namespace {

/// Keys that files of a kind have and the others have not.
constexpr std::pair<PeerKind, std::string_view> signs[] = {
    {PeerKind::accelerate, "distributed_type"},
    {PeerKind::accelerate, "compute_environment"},
    {PeerKind::accelerate, "num_processes"},
    {PeerKind::axolotl, "base_model"},
    {PeerKind::axolotl, "sequence_len"},
    {PeerKind::axolotl, "datasets"},
    {PeerKind::deepspeed, "zero_optimization"},
    {PeerKind::deepspeed, "train_micro_batch_size_per_gpu"},
    {PeerKind::deepspeed, "train_batch_size"},
};

PeerKind kind_of(const YamlNode& root, const std::string& path) {
  const std::vector<std::string> keys = root.keys();
  for (const auto& [kind, key] : signs)
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) return kind;
  throw InputError(fmt::format("{}: cannot tell what it configures; give --as {}", path,
                               fmt::join(enum_choices<PeerKind>(), ", ")));
}

/// JSON may be indented with tabs, which YAML may not; inside its strings there are none.
std::string without_tabs(std::string text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && text[first] == '{')
    std::replace(text.begin(), text.end(), '\t', ' ');
  return text;
}

}  // namespace

PeerFile read_peer_text(const std::string& text, const std::string& path,
                        std::optional<PeerKind> kind) {
  PeerFile file;
  file.path = path;
  const bool script = text.starts_with("#!") || text.starts_with("#SBATCH") ||
                      text.find("\n#SBATCH") != std::string::npos;
  if (kind ? *kind == PeerKind::sbatch : script) {
    file.kind = PeerKind::sbatch;
    file.batch = read_batch(text, path);
    return file;
  }
  file.root = YamlNode::load_text(without_tabs(text), path);
  file.kind = kind ? *kind : kind_of(*file.root, path);
  return file;
}

PeerFile read_peer_file(const std::string& path, std::optional<PeerKind> kind) {
  return read_peer_text(read_file(path, 1u << 20), path, kind);
}

}  // namespace aforo
