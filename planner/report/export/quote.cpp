#include "planner/report/export/quote.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "planner/base/error.h"
#include "planner/base/text.h"

namespace aforo {
namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// The code point of the UTF-8 character that `text` holds, which must be one.
char32_t code_point(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (text.size() == 1) return first;
  char32_t code = first & (0xff >> (text.size() + 1));
  for (const char c : text.substr(1)) code = (code << 6) | (static_cast<unsigned char>(c) & 0x3f);
  return code;
}

/// Calls `use` with every character of `text`, which must be UTF-8, and its code point.
template <typename Use>
void for_each_character(std::string_view text, Use use) {
  while (!text.empty()) {
    const std::string_view character = text.substr(0, utf8_length(text));
    use(character, code_point(character));
    text.remove_prefix(character.size());
  }
}

bool is_control(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
         code == 0xfeff || (code & 0xfffe) == 0xfffe;
}

}  // namespace

std::string shell_word(std::string_view text) {
  constexpr std::string_view harmless = "_./:=,@%+-";
  if (text.find('\0') != std::string_view::npos)
    throw InputError(fmt::format("{} holds a NUL, which no shell word can", shown(text)));
  if (!text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return is_letter_or_digit(c) || harmless.find(c) != std::string_view::npos;
      }))
    return std::string(text);
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

std::string double_quoted(std::string_view text) {
  std::string out = "\"";
  const std::string valid = to_utf8(text);
  for_each_character(valid, [&](std::string_view character, char32_t code) {
    const auto number = static_cast<std::uint32_t>(code);
    if (code == '"' || code == '\\')
      out += fmt::format("\\{}", character);
    else if (code == '\n')
      out += "\\n";
    else if (code >= 0x20 && code < 0x7f)
      out += character;
    else
      out += code > 0xffff ? fmt::format("\\U{:08x}", number) : fmt::format("\\u{:04x}", number);
  });
  return out + "\"";
}

std::string float_literal(double number) {
  if (!std::isfinite(number)) throw InternalError("a number for an export is not finite");
  std::string out = fmt::format("{}", number);
  const std::size_t exponent = out.find('e');
  if (out.find('.') == std::string::npos)
    out.insert(exponent == std::string::npos ? out.size() : exponent, ".0");
  return out;
}

std::string comment_text(std::string_view text) {
  std::string out;
  const std::string valid = to_utf8(text);
  for_each_character(valid, [&](std::string_view character, char32_t code) {
    if (is_control(code))
      out += ' ';
    else
      out += character;
  });
  return out;
}

std::string markdown_text(std::string_view text) {
  std::string out;
  for (const char c : comment_text(text)) {
    if (std::string_view("<>&@").find(c) != std::string_view::npos)
      out += fmt::format("&#{};", static_cast<int>(c));
    else if (std::string_view("\\`*_[]#|!~$").find(c) != std::string_view::npos)
      out += fmt::format("\\{}", c);
    else
      out += c;
  }
  return out;
}

std::string html_text(std::string_view text) {
  std::string out;
  for (const char c : to_utf8(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        // Control characters but tab and line break are no HTML.
        out += static_cast<unsigned char>(c) < 32 && c != '\t' && c != '\n' ? ' ' : c;
    }
  }
  return out;
}

std::string plain_name(std::string_view text) {
  constexpr std::size_t most = 48;
  std::string out;
  for (const char c : text) {
    if (is_letter_or_digit(c) || (!out.empty() && (c == '_' || c == '.')))
      out += c;
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  out.resize(std::min(out.size(), most));
  while (!out.empty() && !is_letter_or_digit(out.back())) out.pop_back();
  return out.empty() ? "job" : out;
}

}  // namespace aforo
