#pragma once
// How reports write numbers and names: thousands in groups, durations in the unit people use,
// phases in full.

#include <cstdint>
#include <string>
#include <string_view>

#include "planner/program/op.h"
#include "planner/spec/hardware.h"
#include "planner/spec/plan.h"

namespace aforo {

std::string grouped(std::int64_t count);  ///< 12,345,678
std::string duration(
    double seconds);  ///< "12.3 us", "4.56 ms", "7.8 s", "3.2 min", "5.1 h", "12.4 days"
std::string_view long_name(Phase phase);     ///< "forward"
std::string_view word(Origin origin);        ///< "data sheet", "calibrated"
std::string_view word(Precision precision);  ///< "bf16"

}  // namespace aforo
