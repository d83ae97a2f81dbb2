#pragma once
// Looking into texts, and changing them.

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace aforo {

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// `text` with the first `from` in it replaced; a failed check if there is none.
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace aforo
