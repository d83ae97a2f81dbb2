#pragma once
// The phases of a run as a table and as JSON.

#include <string>
#include <vector>

#include "planner/base/json.h"
#include "planner/search/phases.h"

namespace aforo {

/// One line a phase: seconds, GiB of device, host and disk; "-" for none.
std::string phases_table(const std::vector<PhaseCost>& phases);

/// "phases": [{name, per, time_s, device_bytes, host_bytes, disk_bytes}]
void write_phases_json(JsonWriter& json, const std::vector<PhaseCost>& phases);

}  // namespace aforo
