#include "planner/peers/peer_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/json_reader.h"
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

bool in_braces(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string::npos && text[first] == '{';
}

/// JSON may be indented with tabs, which YAML may not; inside its strings there are none.
std::string without_tabs(std::string text) {
  std::replace(text.begin(), text.end(), '\t', ' ');
  return text;
}

std::string json_problem(const std::string& text, const std::string& path) {
  try {
    JsonNode::parse(text, path);
    return "";
  } catch (const InputError& error) {
    return error.what();
  }
}

/// What stands in braces is JSON, or near enough that YAML reads it: with commas at the end, words
/// without quotes, comments behind "#".
YamlNode load_braces(const std::string& text, const std::string& path, const std::string& problem) {
  try {
    return YamlNode::load_text(without_tabs(text), path);
  } catch (const InputError&) {
    if (!problem.empty()) throw InputError(problem);
    throw;
  }
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
  const bool json = in_braces(text);
  if (json) file.not_json = json_problem(text, path);
  file.root = json ? load_braces(text, path, file.not_json) : YamlNode::load_text(text, path);
  file.kind = kind ? *kind : kind_of(*file.root, path);
  return file;
}

PeerFile read_peer_file(const std::string& path, std::optional<PeerKind> kind) {
  return read_peer_text(read_file(path, 1u << 20), path, kind);
}

}  // namespace aforo
