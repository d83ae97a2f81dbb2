#pragma once
// One table per enumeration serves reading, writing and the list in error messages. The tables lie
// beside the enumerations' readers; this header has what works on them.

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aforo {

template <typename E>
struct EnumName {
  E value;
  std::string_view name;
};

/// Specialised per enumeration: `static constexpr EnumName<E> table[]`.
template <typename E>
struct EnumNames;

template <typename E>
std::string_view enum_name(E value) {
  for (const auto& entry : EnumNames<E>::table)
    if (entry.value == value) return entry.name;
  return "?";
}

template <typename E>
const E* find_enum(std::string_view name) {
  for (const auto& entry : EnumNames<E>::table)
    if (entry.name == name) return &entry.value;
  return nullptr;
}

template <typename E>
std::vector<std::string> enum_choices() {
  std::vector<std::string> names;
  for (const auto& entry : EnumNames<E>::table) names.emplace_back(entry.name);
  return names;
}

}  // namespace aforo
