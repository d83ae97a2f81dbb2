#include "planner/peers/values.h"

#include <algorithm>
#include <cctype>

#include "planner/base/numbers.h"

namespace aforo {

std::optional<YamlNode> value_at(const YamlNode& root, std::string_view path) {
  const std::size_t dot = std::min(path.find('.'), path.size());
  if (!root.is_map()) return std::nullopt;
  const auto child = root.find(std::string(path.substr(0, dot)));
  if (!child || dot == path.size()) return child;
  return value_at(*child, path.substr(dot + 1));
}

std::optional<bool> yaml_truth(std::string_view word) {
  std::string lower(word);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower == "true" || lower == "yes" || lower == "on") return true;
  if (lower == "false" || lower == "no" || lower == "off") return false;
  return std::nullopt;
}

std::string text_at(const YamlNode& root, std::string_view path) {
  const auto value = value_at(root, path);
  return value && value->is_scalar() ? value->string() : "";
}

std::optional<double> number_at(const YamlNode& root, std::string_view path) {
  return parse_number(text_at(root, path));
}

std::optional<bool> truth_at(const YamlNode& root, std::string_view path) {
  return yaml_truth(text_at(root, path));
}

bool has_at(const YamlNode& root, std::string_view path) {
  return value_at(root, path).has_value();
}

std::string place_at(const YamlNode& root, std::string_view path) {
  const std::size_t dot = std::min(path.find('.'), path.size());
  const std::string key(path.substr(0, dot));
  if (!root.is_map()) return root.place();
  const auto child = root.find(key);
  if (!child || dot == path.size()) return root.place_of_key(key);
  return place_at(*child, path.substr(dot + 1));
}

}  // namespace aforo
