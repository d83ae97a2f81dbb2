#include "planner/validate/spread.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "planner/base/files.h"
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

ErrorRanges read_ranges(const YamlNode& node) {
  ErrorRanges ranges;
  for (const YamlNode& item : node.items()) {
    const std::string engine = item.at("engine").string();
    ranges[engine == "any" ? "" : engine] = {item.at("low").number(1e-3, 1e3),
                                             item.at("high").number(1e-3, 1e3),
                                             static_cast<int>(item.at("rows").integer(0, 1 << 30))};
    item.finish();
  }
  return ranges;
}

std::string write_ranges(const ErrorRanges& ranges) {
  std::string out;
  for (const auto& [engine, range] : ranges)
    out += fmt::format("- {{engine: {}, low: {:.3f}, high: {:.3f}, rows: {}}}\n",
                       engine.empty() ? "any" : engine, range.low, range.high, range.n_rows);
  return out;
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

const ErrorRange& range_of(const ErrorRanges& ranges, const std::string& engine) {
  static const ErrorRange unknown;
  if (const auto found = ranges.find(engine); found != ranges.end()) return found->second;
  const auto any = ranges.find("");
  return any == ranges.end() ? unknown : any->second;
}

PublishedRanges PublishedRanges::load() {
  const YamlNode node =
      YamlNode::load_file(data_root() + "/profiles/calibrations/published_ranges.yaml");
  PublishedRanges ranges{read_ranges(node.at("time")), read_ranges(node.at("memory"))};
  node.finish();
  return ranges;
}

std::string PublishedRanges::write() const {
  return "time:\n" + write_ranges(time) + "memory:\n" + write_ranges(memory);
}

}  // namespace aforo::validate
