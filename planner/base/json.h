#pragma once
// JSON out: keys in the order they are written, numbers as short as they read back exactly, NaN and
// infinity as null.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace aforo {

/// Builds one JSON value. Misuse (a value without its key) is an InternalError.
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
  JsonWriter& value(std::int64_t number);
  JsonWriter& value(int number) { return value(static_cast<std::int64_t>(number)); }
  JsonWriter& value(std::uint64_t number);
  JsonWriter& value(bool truth);
  JsonWriter& null();

  template <typename T>
  JsonWriter& field(std::string_view name, const T& content) {
    key(name);
    return value(content);
  }

  /// The text so far; complete once every object and array is closed.
  const std::string& text() const { return text_; }

 private:
  void begin_value();
  void close(char bracket);
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
