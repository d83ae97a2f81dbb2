#pragma once
// Small statistics over errors.

#include <algorithm>
#include <cmath>
#include <vector>

namespace aforo::validate {

/// The value below which a share q of the values lies, by linear interpolation; 0 of none.
inline double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double at = q * static_cast<double>(values.size() - 1);
  const std::size_t below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

/// Errors of a group of predictions, as shares of what was measured.
struct ErrorSummary {
  int n = 0;
  double median = 0, mean = 0, p90 = 0;  ///< of |predicted / measured - 1|
  double bias = 0;                       ///< median of predicted / measured - 1
};

/// Of predicted / measured ratios.
inline ErrorSummary summarise(const std::vector<double>& ratios) {
  ErrorSummary summary;
  std::vector<double> errors;
  for (double ratio : ratios) errors.push_back(std::abs(ratio - 1));
  summary.n = static_cast<int>(ratios.size());
  if (ratios.empty()) return summary;
  summary.median = quantile(errors, 0.5);
  summary.p90 = quantile(errors, 0.9);
  summary.bias = quantile(ratios, 0.5) - 1;
  for (double error : errors) summary.mean += error / static_cast<double>(errors.size());
  return summary;
}

}  // namespace aforo::validate
