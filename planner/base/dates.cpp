#include "planner/base/dates.h"

#include <fmt/chrono.h>

#include <chrono>

namespace aforo {

std::string today() {
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::chrono::system_clock::now()));
}

}  // namespace aforo
