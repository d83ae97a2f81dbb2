#pragma once

namespace aforo::cli {

constexpr const char* aforo_version = "0.1.0";
constexpr int schema_version = 1;  ///< of every --json output

}  // namespace aforo::cli
