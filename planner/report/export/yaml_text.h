#pragma once
// YAML as exports write it: one key a line, every text quoted, comments where they help.

#include <fmt/format.h>

#include <concepts>
#include <string>
#include <string_view>

#include "planner/report/export/quote.h"

namespace aforo {

class YamlText {
 public:
  explicit YamlText(std::string head = "") : text_(std::move(head)) {}

  YamlText& field(std::string_view key, std::string_view value) {
    return line(key, double_quoted(value));
  }
  YamlText& field(std::string_view key, const char* value) {
    return field(key, std::string_view(value));
  }
  YamlText& field(std::string_view key, bool value) { return line(key, value ? "true" : "false"); }
  YamlText& field(std::string_view key, double value) { return line(key, float_literal(value)); }
  YamlText& field(std::string_view key, std::integral auto value) {
    return line(key, fmt::format("{}", value));
  }
  /// A key with keys below it until `end`.
  YamlText& begin(std::string_view key) {
    text_ += fmt::format("{:{}}{}:\n", "", indent_, key);
    indent_ += 2;
    return *this;
  }
  YamlText& end() {
    indent_ -= 2;
    return *this;
  }
  YamlText& comment(std::string_view text) {
    text_ += fmt::format("{:{}}# {}\n", "", indent_, comment_text(text));
    return *this;
  }
  /// `value` must be YAML already.
  YamlText& line(std::string_view key, std::string_view value) {
    text_ += fmt::format("{:{}}{}: {}\n", "", indent_, key, value);
    return *this;
  }
  /// Whole lines that are YAML already.
  YamlText& raw(std::string_view lines) {
    text_ += lines;
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  int indent_ = 0;
};

}  // namespace aforo
