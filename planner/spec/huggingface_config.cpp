#include "planner/spec/huggingface_config.h"

#include <fmt/format.h>

namespace aforo {
namespace {

constexpr std::int64_t most_in_config = 1 << 27;

}  // namespace

std::optional<JsonNode> HuggingFaceConfig::find(Names names) const {
  for (const char* name : names)
    if (auto node = root_.find(name)) return node;
  return std::nullopt;
}

int HuggingFaceConfig::size(Names names) const {
  const auto node = find(names);
  if (!node) fail(fmt::format("key \"{}\" is missing", *names.begin()));
  return static_cast<int>(node->integer(1, most_in_config));
}

int HuggingFaceConfig::size(Names names, int fallback) const {
  const auto node = find(names);
  return node ? static_cast<int>(node->integer(1, most_in_config)) : fallback;
}

double HuggingFaceConfig::number(Names names, double fallback) const {
  const auto node = find(names);
  return node ? node->number() : fallback;
}

bool HuggingFaceConfig::boolean(Names names, bool fallback) const {
  const auto node = find(names);
  return node ? node->boolean() : fallback;
}

std::string HuggingFaceConfig::string(Names names, const std::string& fallback) const {
  const auto node = find(names);
  return node ? node->string() : fallback;
}

}  // namespace aforo
