#include "planner/scenarios/world.h"

#include <algorithm>

namespace aforo::scenarios {

const AcceleratorSpec* World::card(const std::string& name) const {
  const auto found = std::lower_bound(
      cards.begin(), cards.end(), name,
      [](const AcceleratorSpec& spec, const std::string& wanted) { return spec.name < wanted; });
  return found != cards.end() && found->name == name ? &*found : nullptr;
}

}  // namespace aforo::scenarios
