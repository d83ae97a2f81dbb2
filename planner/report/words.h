#pragma once
// How reports write names: phases in full, origins in words.

#include <string_view>

#include "planner/program/op.h"
#include "planner/spec/hardware.h"

namespace aforo {

std::string_view long_name(Phase phase);  ///< "forward"
std::string_view word(Origin origin);     ///< "data sheet", "calibrated"

}  // namespace aforo
