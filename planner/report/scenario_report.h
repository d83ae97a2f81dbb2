#pragma once
// What `aforo compare` and `aforo plan --gpus` say of scenarios.

#include <string>
#include <vector>

#include "planner/base/json.h"
#include "planner/scenarios/compare.h"

namespace aforo {

/// One scenario: what is asked, the table of offers, the front, what 10 % more buys or why there is
/// no choice. `most` rows beside the chosen, the front and own machines.
std::string scenario_text(const scenarios::Answer& answer, const scenarios::World& world,
                          const std::string& today, std::size_t most);

/// One line a scenario: what is chosen for it.
std::string scenario_summary(const std::vector<scenarios::Answer>& answers);

std::string scenarios_json(const std::vector<scenarios::Answer>& answers,
                           const scenarios::World& world, const std::string& today);

/// Fields of an open object: offer, plan, time, bill and risk of a row.
void write_row_json(JsonWriter& json, const scenarios::Row& row);

/// "2.1 h (1.5 to 2.9)", the ends in the middle's unit; "$0.38 (0.28 to 0.54)".
std::string hours_text(const Interval& hours);
std::string dollars_text(const Interval& usd);

/// "llama-3.1-8b qlora, 15,000,000 tokens, seq_len 2048, global_batch_size 16".
std::string job_line(const TrainingJob& job);

}  // namespace aforo
