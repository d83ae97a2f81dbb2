#pragma once
// Values of configuration files by their path, as their readers take them: "auto", YAML 1.1's words
// for true and false, 1e9 for a count. Nothing is thrown for a value of another kind.

#include <optional>
#include <string>
#include <string_view>

#include "planner/base/yaml_reader.h"

namespace aforo {

/// The value at "zero_optimization.stage"; nothing if it or a map on the way is missing.
std::optional<YamlNode> value_at(const YamlNode& root, std::string_view path);
std::optional<double> number_at(const YamlNode& root, std::string_view path);
std::optional<bool> truth_at(const YamlNode& root, std::string_view path);
/// "" for what is missing, null, or no single value.
std::string text_at(const YamlNode& root, std::string_view path);
/// True if there is a value, even an empty one.
bool has_at(const YamlNode& root, std::string_view path);

/// Place of the last key of the path that exists: "ds_config.json:7:5".
std::string place_at(const YamlNode& root, std::string_view path);

/// "true", "yes", "on", "True" ... as YAML 1.1 reads them; nothing for other words.
std::optional<bool> yaml_truth(std::string_view word);

}  // namespace aforo
