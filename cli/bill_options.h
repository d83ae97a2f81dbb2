#pragma once
// Options of what a bill assumes: `aforo bill` and `aforo plan --gpus`.

#include "cli/arguments.h"
#include "planner/scenarios/scenario.h"

namespace aforo::cli {

/// --setup, --repeated-share, --download ... --purchase-usd
void add_bill_options(po::options_description& options);
scenarios::BillWishes read_bill_wishes(const Arguments& args);

/// --budget-usd and --deadline, nothing without them. Throws InputError if one is not above 0.
std::optional<double> read_budget(const Arguments& args);
std::optional<double> read_deadline_hours(const Arguments& args);

}  // namespace aforo::cli
