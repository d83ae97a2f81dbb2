#include "planner/base/json.h"

#include <fmt/format.h>

#include <cmath>

#include "planner/base/error.h"
#include "planner/base/text.h"

namespace aforo {
namespace {

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (char c : to_utf8(text)) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20)
          out += fmt::format("\\u{:04x}", static_cast<int>(static_cast<unsigned char>(c)));
        else
          out += c;
    }
  }
  out += '"';
}

}  // namespace

void JsonWriter::new_line() {
  if (!pretty_) return;
  text_ += '\n';
  text_.append(2 * levels_.size(), ' ');
}

void JsonWriter::begin_value() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (levels_.empty()) {
    if (!text_.empty()) throw InternalError("a second value after the JSON value");
    return;
  }
  if (levels_.back().is_object) throw InternalError("a JSON object got a value without a key");
  if (!levels_.back().empty) text_ += pretty_ ? "," : ", ";
  levels_.back().empty = false;
  new_line();
}

JsonWriter& JsonWriter::key(std::string_view name) {
  if (levels_.empty() || !levels_.back().is_object || after_key_)
    throw InternalError("a JSON key outside an object");
  if (!levels_.back().empty) text_ += pretty_ ? "," : ", ";
  levels_.back().empty = false;
  new_line();
  append_quoted(text_, name);
  text_ += ": ";
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::begin_object() {
  begin_value();
  text_ += '{';
  levels_.push_back({true});
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  begin_value();
  text_ += '[';
  levels_.push_back({false});
  return *this;
}

void JsonWriter::close(bool is_object, char bracket) {
  if (levels_.empty() || after_key_ || levels_.back().is_object != is_object)
    throw InternalError("a JSON bracket closes nothing of its kind");
  const bool empty = levels_.back().empty;
  levels_.pop_back();
  if (!empty) new_line();
  text_ += bracket;
}

JsonWriter& JsonWriter::end_object() {
  close(true, '}');
  return *this;
}
JsonWriter& JsonWriter::end_array() {
  close(false, ']');
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  begin_value();
  append_quoted(text_, text);
  return *this;
}
JsonWriter& JsonWriter::value(double number) {
  begin_value();
  text_ += std::isfinite(number) ? fmt::format("{}", number) : "null";
  return *this;
}
JsonWriter& JsonWriter::value(float number) {
  begin_value();
  text_ += std::isfinite(number) ? fmt::format("{}", number) : "null";
  return *this;
}
JsonWriter& JsonWriter::value(std::int64_t number) {
  begin_value();
  text_ += fmt::format("{}", number);
  return *this;
}
JsonWriter& JsonWriter::value(std::uint64_t number) {
  begin_value();
  text_ += fmt::format("{}", number);
  return *this;
}
JsonWriter& JsonWriter::value(bool truth) {
  begin_value();
  text_ += truth ? "true" : "false";
  return *this;
}
JsonWriter& JsonWriter::null() {
  begin_value();
  text_ += "null";
  return *this;
}

}  // namespace aforo
