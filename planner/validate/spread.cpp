#include "planner/validate/spread.h"

#include <algorithm>
#include <cmath>

#include "planner/validate/statistics.h"

namespace aforo::validate {
namespace {

ErrorRange range_of_ratios(const std::vector<double>& ratios) {
  return {quantile(ratios, 0.1), quantile(ratios, 0.9), static_cast<int>(ratios.size())};
}

/// Weighted mean in the logarithm.
double blend(double own, double all, double weight) {
  return std::exp(weight * std::log(own) + (1 - weight) * std::log(all));
}

}  // namespace

ErrorRanges learn_ranges(const std::vector<Residual>& residuals, int prior_rows) {
  std::map<std::string, std::vector<double>> by_engine;
  std::vector<double> all;
  for (const Residual& residual : residuals) {
    by_engine[residual.engine].push_back(residual.ratio);
    all.push_back(residual.ratio);
  }
  ErrorRanges ranges;
  if (all.empty()) return {{"", ErrorRange{}}};
  ranges[""] = range_of_ratios(all);
  for (const auto& [engine, ratios] : by_engine) {
    const double n = static_cast<double>(ratios.size()), weight = n / (n + prior_rows);
    const ErrorRange own = range_of_ratios(ratios), &any = ranges[""];
    ranges[engine] = {blend(own.low, any.low, weight), blend(own.high, any.high, weight),
                      own.n_rows};
  }
  return ranges;
}

}  // namespace aforo::validate
