#pragma once
// Text from files and file names, which may be anything: checked as UTF-8, and quoted for messages
// and for YAML.

#include <cstddef>
#include <string>
#include <string_view>

namespace aforo {

/// Bytes of the UTF-8 character that `text` begins with; 0 if it is empty or begins with none.
/// Overlong forms, surrogates and code points above U+10FFFF are none.
std::size_t utf8_length(std::string_view text);

/// `text` with every byte that is not part of a UTF-8 character replaced by U+FFFD.
std::string to_utf8(std::string_view text);

/// `text` in double quotes for a message: one line, control characters as \xNN, cut after 60 bytes.
std::string shown(std::string_view text);

/// `text` as a YAML scalar that reads back as the same text: a plain word if no reader could take
/// it for a number or truth value, else in double quotes. Throws InputError if it is not UTF-8,
/// which YAML cannot hold.
std::string yaml_scalar(std::string_view text);

}  // namespace aforo
