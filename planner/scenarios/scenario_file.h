#pragma once
// scenarios.yaml: a list of questions. docs/formats.md has the keys.

#include <string>
#include <vector>

#include "planner/base/enum_names.h"
#include "planner/base/yaml_reader.h"
#include "planner/scenarios/scenario.h"

namespace aforo::scenarios {

/// All scenarios of a file. Throws InputError with file, line and column of what is wrong; names
/// must differ.
std::vector<Scenario> read_scenarios(const YamlNode& node,
                                     const std::vector<AcceleratorSpec>& cards);
Scenario read_scenario(const YamlNode& node, const std::vector<AcceleratorSpec>& cards);

/// Whether a file is one: it has a list "scenarios".
bool holds_scenarios(const std::string& path);

}  // namespace aforo::scenarios

namespace aforo {
template <>
struct EnumNames<scenarios::SpotPolicy> {
  static constexpr EnumName<scenarios::SpotPolicy> table[] = {
      {scenarios::SpotPolicy::allow, "allow"},
      {scenarios::SpotPolicy::only, "only"},
      {scenarios::SpotPolicy::never, "never"}};
};
template <>
struct EnumNames<Objective> {
  static constexpr EnumName<Objective> table[] = {{Objective::time, "time"},
                                                  {Objective::money, "money"}};
};
}  // namespace aforo
