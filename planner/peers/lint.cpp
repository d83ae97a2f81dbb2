#include "planner/peers/lint.h"

#include <fmt/format.h>

#include <algorithm>

#include "planner/base/nearest.h"
#include "planner/base/numbers.h"
#include "planner/base/text.h"
#include "planner/peers/values.h"

namespace aforo {
namespace {

/// Line and column of "file:7:5", for sorting.
std::pair<std::int64_t, std::int64_t> position(const std::string& place) {
  const std::size_t second = place.rfind(':');
  if (second == std::string::npos || second == 0) return {0, 0};
  const std::size_t first = place.rfind(':', second - 1);
  if (first == std::string::npos) return {0, 0};
  return {parse_integer(place.substr(first + 1, second - first - 1)).value_or(0),
          parse_integer(place.substr(second + 1)).value_or(0)};
}

}  // namespace

void Linter::report(std::string_view path, Severity severity, const char* rule,
                    std::string message) {
  report_place(place_at(root(), path), severity, rule, std::move(message));
}

void Linter::report_place(std::string place, Severity severity, const char* rule,
                          std::string message) {
  findings_.push_back({std::move(place), severity, rule, std::move(message)});
}

void Linter::unknown_keys(std::string_view path, const std::vector<std::string>& known,
                          Severity severity, std::string_view consequence,
                          std::span<const OtherWord> other_words) {
  const auto node = path.empty() ? std::optional<YamlNode>(root()) : value_at(root(), path);
  if (!node || !node->is_map()) return;
  for (const std::string& key : node->keys()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const auto other = std::find_if(other_words.begin(), other_words.end(),
                                    [&](const OtherWord& word) { return word.other == key; });
    const std::string near =
        other != other_words.end() ? std::string(other->ours) : nearest(key, known);
    report_place(node->place_of_key(key), severity, "unknown-key",
                 fmt::format("unknown key {}{}{};{} {} {}", shown(key), path.empty() ? "" : " in ",
                             path, near.empty() ? "" : fmt::format(" is {} meant?", near),
                             keys_.peer, consequence));
  }
}

std::vector<Finding> Linter::take() {
  std::stable_sort(findings_.begin(), findings_.end(), [](const Finding& a, const Finding& b) {
    return position(a.place) < position(b.place);
  });
  return std::move(findings_);
}

std::vector<Finding> lint(const PeerFile& file, int n_devices) {
  const PeerKeys keys = load_peer_keys(file.kind);
  Linter linter(file, keys, n_devices);
  switch (file.kind) {
    case PeerKind::accelerate:
      lint_accelerate(linter);
      break;
    case PeerKind::axolotl:
      lint_axolotl(linter);
      break;
    case PeerKind::deepspeed:
      lint_deepspeed(linter);
      break;
    case PeerKind::sbatch:
      lint_sbatch(linter);
      break;
  }
  return linter.take();
}

}  // namespace aforo
