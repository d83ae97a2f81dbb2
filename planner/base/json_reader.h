#pragma once
// JSON in, with the same manners as yaml_reader.h. JSON values carry no positions, so messages name
// the path of a value; only syntax errors have line and column.

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace aforo {

/// One value of a JSON text. All readers throw InputError "name: path is value; expected ...".
class JsonNode {
 public:
  /// The root of `text`; `name` stands for the file in messages. Throws InputError
  /// "name:line:column: ..." if it is no JSON or is nested deeper than 32.
  static JsonNode parse(const std::string& text, const std::string& name);

  JsonNode at(const std::string& key) const;                   ///< mandatory key of an object
  std::optional<JsonNode> find(const std::string& key) const;  ///< nothing if absent or null
  bool has(const std::string& key) const;                      ///< even if null
  std::vector<JsonNode> items() const;                         ///< of a list

  /// InputError if the object has a key that none of `at`, `find` and `has` asked for.
  void finish() const;

  std::string string() const;
  bool boolean() const;
  std::int64_t integer(std::int64_t low = std::numeric_limits<std::int64_t>::min(),
                       std::int64_t high = std::numeric_limits<std::int64_t>::max()) const;
  double number() const;  ///< within one unit in the last place, as Boost.JSON reads it
  bool is_object() const;
  bool is_null() const;

  std::string path() const;  ///< "rope_parameters.rope_theta"; empty for the root
  /// The value as JSON, cut if it is long.
  std::string text() const;
  /// Throws InputError "name: message".
  [[noreturn]] void fail(const std::string& message) const;

 private:
  struct Value;
  explicit JsonNode(std::shared_ptr<Value> value) : value_(std::move(value)) {}
  [[noreturn]] void fail_expected(const std::string& expected) const;
  JsonNode child(const void* json, const std::string& path) const;
  void require_object() const;

  std::shared_ptr<Value> value_;
};

}  // namespace aforo
