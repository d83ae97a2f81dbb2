#pragma once
// How far predictions were off on runs they had not seen: the intervals that estimates show.

#include <map>
#include <string>
#include <vector>

#include "planner/base/yaml_reader.h"

namespace aforo::validate {

/// 80 % of truths lie within [predicted * low, predicted * high].
struct ErrorRange {
  double low = 0.7, high = 1.4;
  int n_rows = 0;  ///< residuals it was learned from
};

/// Ranges by engine name; "" holds for engines without rows of their own.
using ErrorRanges = std::map<std::string, ErrorRange>;

/// Ratio measured / predicted of one row, with the engine it belongs to.
struct Residual {
  std::string engine;
  double ratio = 1;
};

/// The 10th and 90th percentile by engine, drawn towards those of all rows by `prior_rows` rows.
ErrorRanges learn_ranges(const std::vector<Residual>& residuals, int prior_rows = 10);

const ErrorRange& range_of(const ErrorRanges& ranges, const std::string& engine);

/// profiles/calibrations/published_ranges.yaml: one map for times, one for memory.
struct PublishedRanges {
  ErrorRanges time, memory;
  static PublishedRanges load();
  std::string write() const;
};

}  // namespace aforo::validate
