#pragma once
// The shipped profiles and prices, loaded once, and short ways to ask.

#include <string>

#include "planner/scenarios/compare.h"
#include "planner/scenarios/scenario_file.h"

namespace aforo::scenarios::test {

/// Without what may lie in the home of whoever runs the tests.
inline const World& shipped_world() {
  static const World world = [] {
    World w;
    w.catalogue = money::load_catalogue("/nonexistent");
    return w;
  }();
  return world;
}

inline Scenario scenario(const std::string& keys) {
  return read_scenario(YamlNode::load_text("name: s\n" + keys, "s.yaml"), shipped_world().cards);
}

}  // namespace aforo::scenarios::test
