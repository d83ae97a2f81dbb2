#include "planner/report/words.h"

#include <fmt/format.h>

#include <iterator>

#include "planner/base/format.h"

namespace aforo {

std::string_view long_name(Phase phase) {
  constexpr std::string_view names[] = {"set-up",   "forward",   "recompute",
                                        "backward", "optimizer", "evaluate"};
  return names[static_cast<int>(phase)];
}

std::string_view word(Origin origin) {
  constexpr std::string_view names[] = {"data sheet", "assumed", "calibrated", "measured"};
  return names[static_cast<int>(origin)];
}

std::string dollars_of(double usd) { return format_dollars(Dollars(usd)); }

std::string time_of_hours(double hours) { return format_time(Seconds(3600 * hours)); }

void append_named(std::string& out, std::string_view name, std::string_view value) {
  fmt::format_to(std::back_inserter(out), "{:<12} {}\n", name, value);
}

}  // namespace aforo
