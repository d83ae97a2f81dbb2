#pragma once
// Strict YAML: every value is read through a node that knows its place, and every key must be
// wanted by somebody.

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "planner/base/enum_names.h"
#include "planner/base/units.h"

namespace YAML {
class Node;
}

namespace aforo {

/// One value of a YAML file. All readers throw InputError "file:line:column: what, both values, the
/// way out". Copies share the record of which keys were asked for; a child found twice is two.
class YamlNode {
 public:
  /// The root map of a file (4 MiB at most) or text; `name` stands for the file in messages. What
  /// check_yaml_structure refuses is refused.
  static YamlNode load_file(const std::string& path);
  static YamlNode load_text(const std::string& text, const std::string& name);

  YamlNode at(const std::string& key) const;                   ///< mandatory key of a map
  std::optional<YamlNode> find(const std::string& key) const;  ///< optional key of a map
  std::vector<std::string> keys() const;                       ///< of a map, in order
  std::vector<YamlNode> items() const;                         ///< of a list

  /// InputError if the map has a key that neither `at` nor `find` asked for; names the nearest that
  /// exists.
  void finish() const;

  std::string string() const;
  std::string choice(const std::vector<std::string>& choices) const;  ///< one of these words
  std::string date() const;                                           ///< "2026-08-23"
  bool boolean() const;
  std::int64_t integer(std::int64_t low = std::numeric_limits<std::int64_t>::min(),
                       std::int64_t high = std::numeric_limits<std::int64_t>::max()) const;
  std::uint64_t natural() const;
  double number(double low, double high) const;
  Bytes bytes() const;
  BytesPerSecond bandwidth() const;
  FlopsPerSecond flops_rate() const;
  Seconds seconds() const;
  DollarsPerHour hourly_price() const;
  Watts watts() const;

  /// A quantity that will be divided by: node.above_zero(&YamlNode::bandwidth).
  template <typename Q>
  Q above_zero(Q (YamlNode::*read)() const) const {
    const Q value = (this->*read)();
    if (value.value <= 0) fail_expected("more than 0");
    return value;
  }

  template <typename E>
  E enumeration() const {
    const std::string text = string();
    if (const E* value = find_enum<E>(text)) return *value;
    fail_choice(text, enum_choices<E>());
  }

  bool is_scalar() const;
  bool is_map() const;
  bool is_list() const;
  bool is_plain() const;  ///< a single value without quotes, which readers may take for no text

  std::string path() const;  ///< "attention.n_heads"; empty for the root
  /// "models/a.yaml:7:17"
  std::string place() const;
  /// The same of a map's key; of the map if it has none such.
  std::string place_of_key(const std::string& key) const;
  /// Throws InputError "place: message".
  [[noreturn]] void fail(const std::string& message) const;

 private:
  struct Value;
  explicit YamlNode(std::shared_ptr<Value> value) : value_(std::move(value)) {}
  /// "path is "value"; expected ..."
  [[noreturn]] void fail_expected(const std::string& expected) const;
  void require_map() const;
  [[noreturn]] void fail_choice(const std::string& text,
                                const std::vector<std::string>& choices) const;
  template <typename Q>
  Q quantity(std::optional<Q> (*parse)(std::string_view), std::string_view expected) const;

  std::shared_ptr<Value> value_;
};

}  // namespace aforo
