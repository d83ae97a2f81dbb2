#include "planner/report/words.h"

#include <fmt/format.h>

namespace aforo {

std::string grouped(std::int64_t count) {
  std::string digits = fmt::format("{}", count < 0 ? -count : count);
  for (int i = static_cast<int>(digits.size()) - 3; i > 0; i -= 3) digits.insert(i, ",");
  return count < 0 ? "-" + digits : digits;
}

std::string duration(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.3g} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.3g} ms", seconds * 1e3);
  if (seconds < 120) return fmt::format("{:.3g} s", seconds);
  if (seconds < 7200) return fmt::format("{:.1f} min", seconds / 60);
  if (seconds < 172800) return fmt::format("{:.1f} h", seconds / 3600);
  return fmt::format("{:.1f} days", seconds / 86400);
}

std::string_view long_name(Phase phase) {
  constexpr std::string_view names[] = {"set-up",   "forward",   "recompute",
                                        "backward", "optimizer", "evaluate"};
  return names[static_cast<int>(phase)];
}

std::string_view word(Origin origin) {
  constexpr std::string_view names[] = {"data sheet", "assumed", "calibrated", "measured"};
  return names[static_cast<int>(origin)];
}

std::string_view word(Precision precision) {
  constexpr std::string_view names[] = {"fp32", "bf16", "fp16"};
  return names[static_cast<int>(precision)];
}

}  // namespace aforo
