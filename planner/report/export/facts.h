#pragma once
// The plan's numbers as every export carries them: what was predicted, for what, at which price.

#include <string>
#include <vector>

#include "planner/base/json.h"
#include "planner/report/export/export.h"
#include "planner/simulate/simulate.h"

namespace aforo {

/// Lines for comments: model, layout, tokens/s, memory of a device, hours, price, date, version.
std::vector<std::string> fact_lines(const ExportRequest& request);

/// The same as fields of an open object, for files that hold no comments.
void write_facts(JsonWriter& json, const ExportRequest& request);

/// With the interval of the step time.
Interval predicted_tokens_per_second(const PlanFile& file);
Interval predicted_hours(const PlanFile& file);
/// Nothing if no price is known.
std::optional<Interval> predicted_dollars(const PlanFile& file);
/// Of one device; nothing if no price is known.
std::optional<double> dollars_per_device_hour(const PlanFile& file);

/// "bf16, dp 8, zero2, micro_batch_size 1 x 8 micro-steps, recompute full, seq_len 4096"
std::string layout_words(const PlanFile& file);

/// The machines a plan's devices are taken to stand in.
struct Machines {
  int count = 1;
  int devices = 1;  ///< in each
};
/// Of gpus_per_node devices, else of the card's usual number. Throws InputError if the devices do
/// not fill them.
Machines machines_of(const ExportRequest& request);

}  // namespace aforo
