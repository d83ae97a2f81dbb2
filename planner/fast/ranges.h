#pragma once
// How far predictions were off on runs they had not seen: the intervals that estimates show.

#include <map>
#include <string>

#include "planner/base/yaml_reader.h"

namespace aforo::fast {

/// 80 % of truths lie within [predicted * low, predicted * high].
struct ErrorRange {
  double low = 0.7, high = 1.4;
  int n_rows = 0;  ///< residuals it was learned from
};

/// Ranges by engine name; "" holds for engines without rows of their own.
using ErrorRanges = std::map<std::string, ErrorRange>;

const ErrorRange& range_of(const ErrorRanges& ranges, const std::string& engine);

/// profiles/calibrations/published_ranges.yaml: one map for times, one for memory.
struct PublishedRanges {
  ErrorRanges time, memory;
  static PublishedRanges load();
  std::string write() const;
};

}  // namespace aforo::fast
