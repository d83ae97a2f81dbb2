#pragma once
// What one training engine does differently from another, as data: profiles/engines/<name>.yaml.

#include <string>
#include <vector>

#include "planner/base/yaml_reader.h"

namespace aforo::fast {

struct EngineSpec {
  std::string name;
  std::string title;                    ///< "Megatron-Core with Transformer Engine"
  bool native = false;                  ///< aforo's own runtime executes it
  std::vector<std::string> frameworks;  ///< beginnings of framework names in published runs
};

EngineSpec read_engine(const YamlNode& node);

/// Every profile in profiles/engines, sorted by name.
std::vector<EngineSpec> all_engines();

}  // namespace aforo::fast
