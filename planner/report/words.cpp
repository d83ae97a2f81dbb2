#include "planner/report/words.h"

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

}  // namespace aforo
