#pragma once
// Random edits of a text file, the same for the same seed: what a slip, a broken copy or an enemy
// may do to it.

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

#include "planner/base/error.h"

namespace aforo::test {

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  /// `text` after one to four edits.
  std::string operator()(std::string text) {
    for (std::size_t n = 1 + below(4); n > 0; --n) edit(text);
    return text;
  }

 private:
  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }

  void edit(std::string& text) {
    const std::size_t at = below(text.size() + 1), length = below(24);
    switch (below(7)) {
      case 0:
        text.resize(at);
        return;
      case 1:
        text.erase(at, length);
        return;
      case 2:
        text.insert(at, text.substr(below(text.size() + 1), length));
        return;
      case 3:
        if (at < text.size()) text[at] = static_cast<char>(below(256));
        return;
      case 4:
        text.insert(at, std::string(1 + below(40), "[{ \n-\"'&*"[below(9)]));
        return;
      default:
        text.replace(at, below(8), tokens[below(std::size(tokens))]);
    }
  }

  static constexpr std::string_view tokens[] = {"{",
                                                "}",
                                                "[",
                                                "]",
                                                ": ",
                                                "- ",
                                                ", ",
                                                "&a ",
                                                "*a",
                                                "<<: ",
                                                "!!str",
                                                "| ",
                                                "> ",
                                                "\"",
                                                "'",
                                                "%",
                                                "\t",
                                                "---\n",
                                                "? ",
                                                "# ",
                                                "1e999",
                                                "-1",
                                                "0",
                                                "99999999999999999999",
                                                "2147483648",
                                                "nan",
                                                "inf",
                                                "~",
                                                "null",
                                                "\xff",
                                                "\xef\xbb\xbf",
                                                "@",
                                                "true",
                                                "\\u",
                                                "\\",
                                                "\r\n",
                                                "-0.0",
                                                "1e-320",
                                                "\"\"",
                                                "{}"};
  std::mt19937_64 random_;
};

/// Reads `n` mutations of `text`. Whatever they are, `read` must return or throw an InputError of
/// one line; anything else fails the test.
template <typename Read>
void check_mutations(const std::string& text, std::uint64_t seed, int n, Read read) {
  Mutator mutated(seed);
  int refused = 0;
  for (int i = 0; i < n; ++i) {
    const std::string broken = mutated(text);
    try {
      read(broken);
    } catch (const InputError& error) {
      ++refused;
      const std::string_view message = error.what();
      CHECK_MESSAGE(message.find('\n') == std::string_view::npos, message);
    } catch (const std::exception& error) {
      FAIL_CHECK("threw no InputError but \"" << error.what() << "\" on:\n" << broken);
    }
  }
  // Most edits break something; if none did, the reader is not strict or the test is not testing.
  CHECK(refused > n / 3);
}

}  // namespace aforo::test
