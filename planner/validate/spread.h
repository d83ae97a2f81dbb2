#pragma once
// Learns the intervals that estimates show from predictions of runs they had not seen.

#include <string>
#include <vector>

#include "planner/fast/ranges.h"

namespace aforo::validate {

using fast::ErrorRange;
using fast::ErrorRanges;
using fast::PublishedRanges;
using fast::range_of;

/// Ratio measured / predicted of one row, with the engine it belongs to.
struct Residual {
  std::string engine;
  double ratio = 1;
};

/// The 10th and 90th percentile by engine, drawn towards those of all rows by `prior_rows` rows.
ErrorRanges learn_ranges(const std::vector<Residual>& residuals, int prior_rows = 10);

}  // namespace aforo::validate
