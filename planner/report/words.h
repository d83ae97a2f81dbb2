#pragma once
// How reports write names: phases in full, origins in words.

#include <string>
#include <string_view>

#include "planner/program/op.h"
#include "planner/spec/hardware.h"

namespace aforo {

std::string_view long_name(Phase phase);  ///< "forward"
std::string_view word(Origin origin);     ///< "data sheet", "calibrated"

std::string dollars_of(double usd);       ///< "$48.20"
std::string time_of_hours(double hours);  ///< "5.1 h"

/// Appends one line of a report's head: the name in a column of 12, the value beside it.
void append_named(std::string& out, std::string_view name, std::string_view value);

}  // namespace aforo
