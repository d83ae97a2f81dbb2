#pragma once
// What a YAML file must be before its values are looked at.

#include <string>

namespace aforo {

/// Throws InputError "file:line:column: ..." unless `text` is one YAML document in UTF-8 without
/// control characters, duplicate keys, aliases, tags, keys that are no words, quotes that are never
/// closed, or nesting deeper than 32 levels. yaml-cpp lets all of these pass: it keeps the first of
/// two equal keys, expands aliases without bound, ends a file at the character 0x04, and takes the
/// rest of the file for the value of an open quote.
void check_yaml_structure(const std::string& text, const std::string& file);

}  // namespace aforo
