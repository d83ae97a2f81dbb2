#pragma once
// Text into other languages, in one place: whatever a name holds, it stays one value there. Every
// export goes through here; a test feeds it quotes, newlines, dollars and control characters.

#include <string>
#include <string_view>

namespace aforo {

/// One word for a POSIX shell: as it is if it holds letters, digits and _ . / : = , @ % + - only,
/// else in single quotes. Throws InputError for a NUL, which no shell word can hold.
std::string shell_word(std::string_view text);

/// In double quotes, everything but printable ASCII as \uNNNN or \UNNNNNNNN: the same value to
/// YAML 1.1 and 1.2, TOML and Python. What is not UTF-8 becomes U+FFFD.
std::string double_quoted(std::string_view text);

/// A number that YAML 1.1, TOML, JSON and Python all read as a floating-point one: "1.0e-05", which
/// PyYAML would read as text without its point. Throws InternalError unless it is finite.
std::string float_literal(double number);

/// What may follow "# " in any of them: one line, control characters and Unicode's line ends as
/// spaces.
std::string comment_text(std::string_view text);

/// `lines` as comments: each with `prefix` in front and a newline behind.
template <typename Lines>
std::string comments(const Lines& lines, std::string_view prefix = "# ") {
  std::string out;
  for (const auto& line : lines) {
    out += prefix;
    out += comment_text(line);
    out += '\n';
  }
  return out;
}

/// Text for a cell or a paragraph of Markdown: one line in which nothing is markup, HTML or a
/// mention of somebody.
std::string markdown_text(std::string_view text);

/// `text` where HTML shows it as it is, attributes included.
std::string html_text(std::string_view text);

/// A name that schedulers take for a job: letters, digits, '-', '_' and '.', 48 at most, the ends
/// letters or digits; other runs of characters become one '-'. "job" if nothing is left.
std::string plain_name(std::string_view text);

}  // namespace aforo
