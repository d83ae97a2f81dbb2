#include "planner/spec/plan.h"

#include <fmt/format.h>

namespace aforo {

PrecisionRecipe recipe_of(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return {Dtype::fp32, false, false};
    case Precision::bf16:
      return {Dtype::bf16, true, false};
    case Precision::fp16:
      return {Dtype::fp16, true, true};
  }
  return {Dtype::fp32, false, false};
}

std::string describe_recompute(const std::vector<Recompute>& recompute) {
  constexpr std::string_view names[] = {"none", "selective", "full"};
  std::string out;
  for (std::size_t i = 0; i < recompute.size();) {
    std::size_t end = i;
    while (end < recompute.size() && recompute[end] == recompute[i]) ++end;
    const std::string_view name = names[static_cast<int>(recompute[i])];
    if (i == 0 && end == recompute.size()) return std::string(name);
    out += fmt::format("{}{} x{}", out.empty() ? "" : ", ", name, end - i);
    i = end;
  }
  return out;
}

}  // namespace aforo
