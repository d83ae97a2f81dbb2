#pragma once
// Quantities as people read them: rounded, in the unit they would say. (quantity.h has what files
// hold: exact, and read back.)

#include <cstdint>
#include <string>

#include "planner/base/units.h"

namespace aforo {

std::string format_bytes(Bytes bytes);         ///< "131.3 GiB", "9.56 GiB", "2.5 MiB", "17 B"
std::string format_time(Seconds time);         ///< "2.5 us", "1.23 s", "5.1 h", "12.4 days"
std::string format_count(std::int64_t count);  ///< "8,030,261,248"
std::string format_rate(FlopsPerSecond rate);  ///< "989 TFLOP/s"
std::string format_rate(BytesPerSecond rate);  ///< "3.35 TB/s"
std::string format_dollars(Dollars amount);    ///< "$0.0042", "$48.20", "$5,576,000"

}  // namespace aforo
