#pragma once
// The date of what is written.

#include <string>

namespace aforo {

/// "2026-11-27", in UTC.
std::string today();

}  // namespace aforo
