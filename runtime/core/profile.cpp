#include "runtime/core/profile.h"

#include <fmt/format.h>

#include <algorithm>

#include "planner/base/error.h"

namespace aforo {

Seconds median(std::vector<Seconds> times) {
  if (times.empty()) return Seconds(0);
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  if (times.size() % 2 == 1) return *middle;
  return (*std::max_element(times.begin(), middle) + *middle) / 2.0;
}

void Profile::add(const Section& section, const std::vector<Seconds>& times) {
  if (static_cast<int>(times.size()) != section.size())
    throw InternalError(fmt::format("a profile of section {} has {} times for {} ops",
                                    name_of(section.kind), times.size(), section.size()));
  if (samples_.size() < static_cast<std::size_t>(section.end)) samples_.resize(section.end);
  for (std::size_t i = 0; i < times.size(); ++i) samples_[section.begin + i].push_back(times[i]);
}

std::vector<Span> Profile::spans(const StepProgram& program) const {
  std::vector<Span> spans(program.ops.size());
  for (std::size_t i = 0; i < spans.size(); ++i) {
    spans[i].op = static_cast<int>(i);
    if (i < samples_.size()) spans[i].time = median(samples_[i]);
  }
  return spans;
}

}  // namespace aforo
