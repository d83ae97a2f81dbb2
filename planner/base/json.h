#pragma once
// JSON out: keys in the order they are written, numbers as short as they read back exactly, NaN and
// infinity as null. (json_reader.h has JSON in.)

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aforo {

/// Builds one JSON value:
///
///   JsonWriter json;
///   json.begin_object().field("loss", 2.5).key("steps").begin_array().value(1).value(2).end_array();
///   json.end_object().text()
///
/// Misuse (a value without its key, a second value, the wrong bracket) is an InternalError.
class JsonWriter {
 public:
  /// `pretty`: one key a line, indented by two; else everything on one line.
  explicit JsonWriter(bool pretty = true) : pretty_(pretty) {}

  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(double number);
  JsonWriter& value(float number);  ///< as short as it reads back as the same float
  JsonWriter& value(std::int64_t number);
  JsonWriter& value(int number) { return value(static_cast<std::int64_t>(number)); }
  JsonWriter& value(std::uint64_t number);
  JsonWriter& value(bool truth);
  JsonWriter& null();

  /// null if there is none.
  template <typename T>
  JsonWriter& value(const std::optional<T>& content) {
    return content ? value(*content) : null();
  }

  template <typename T>
  JsonWriter& field(std::string_view name, const T& content) {
    key(name);
    return value(content);
  }

  /// The text so far; complete once every object and array is closed. Text that is not UTF-8 came
  /// in as U+FFFD.
  const std::string& text() const { return text_; }

 private:
  void begin_value();
  void close(bool is_object, char bracket);
  void new_line();

  struct Level {
    bool is_object;
    bool empty = true;
  };
  bool pretty_;
  bool after_key_ = false;
  std::string text_;
  std::vector<Level> levels_;
};

}  // namespace aforo
