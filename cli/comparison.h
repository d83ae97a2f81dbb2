#pragma once
// A run log as the report compares it.

#include "planner/report/comparison.h"
#include "runtime/core/run_log.h"

namespace aforo::cli {

Comparison comparison_of(const RunRecord& record);

}  // namespace aforo::cli
