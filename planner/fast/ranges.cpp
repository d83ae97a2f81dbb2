#include "planner/fast/ranges.h"

#include <fmt/format.h>

#include "planner/base/files.h"

namespace aforo::fast {
namespace {

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

}  // namespace aforo::fast
