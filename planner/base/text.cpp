#include "planner/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>

#include "planner/base/error.h"

namespace aforo {
namespace {

unsigned char byte(char c) { return static_cast<unsigned char>(c); }

/// Least second byte after the first one; it rules out overlong forms.
unsigned char least_second(unsigned char first) {
  if (first == 0xe0) return 0xa0;
  if (first == 0xf0) return 0x90;
  return 0x80;
}

/// Greatest second byte; it rules out surrogates and code points above U+10FFFF.
unsigned char greatest_second(unsigned char first) {
  if (first == 0xed) return 0x9f;
  if (first == 0xf4) return 0x8f;
  return 0xbf;
}

std::size_t length_by_first(unsigned char first) {
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 3;
  return first < 0xf5 ? 4 : 0;
}

/// The inside of a double-quoted text; `text` must be UTF-8.
std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte(c) < 0x20 || byte(c) == 0x7f) {
      out += fmt::format("\\x{:02x}", static_cast<int>(byte(c)));
    } else {
      out += c;
    }
  }
  return out;
}

bool is_plain_word(std::string_view text) {
  if (text.empty() || !std::isalpha(byte(text.front()))) return false;
  std::string lower;
  for (char c : text) {
    if (byte(c) >= 0x80 || (!std::isalnum(byte(c)) && c != '-' && c != '_' && c != '.'))
      return false;
    lower += static_cast<char>(std::tolower(byte(c)));
  }
  // YAML 1.1 readers take these for a truth value or for nothing.
  constexpr std::string_view special[] = {"false", "n",    "no",  "null", "off",
                                          "on",    "true", "yes", "y"};
  return std::find(std::begin(special), std::end(special), lower) == std::end(special);
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const unsigned char first = byte(text.front());
  const std::size_t length = length_by_first(first);
  if (length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    const unsigned char low = i == 1 ? least_second(first) : 0x80;
    const unsigned char high = i == 1 ? greatest_second(first) : 0xbf;
    if (byte(text[i]) < low || byte(text[i]) > high) return 0;
  }
  return length;
}

std::string to_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0)
      out += "\xef\xbf\xbd";
    else
      out += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  return out;
}

std::string shown(std::string_view text) {
  constexpr std::size_t most = 60;
  if (text.size() <= most) return '"' + escaped(to_utf8(text)) + '"';
  std::size_t cut = 0;
  while (cut < most) cut += std::max<std::size_t>(1, utf8_length(text.substr(cut)));
  return '"' + escaped(to_utf8(text.substr(0, cut))) + "...\"";
}

std::string yaml_scalar(std::string_view text) {
  if (is_plain_word(text)) return std::string(text);
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t length = utf8_length(rest);
    if (length == 0)
      throw InputError(
          fmt::format("{} is not UTF-8, which a YAML file must be; rename it", shown(text)));
    rest.remove_prefix(length);
  }
  return '"' + escaped(text) + '"';
}

}  // namespace aforo
