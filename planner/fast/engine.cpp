#include "planner/fast/engine.h"

#include <algorithm>

#include "planner/base/files.h"

namespace aforo::fast {

EngineSpec read_engine(const YamlNode& node) {
  EngineSpec engine;
  engine.name = node.at("name").string();
  engine.title = node.at("title").string();
  engine.native = node.at("native").boolean();
  for (const YamlNode& item : node.at("frameworks").items())
    engine.frameworks.push_back(item.string());
  node.finish();
  return engine;
}

std::vector<EngineSpec> all_engines() {
  std::vector<EngineSpec> engines;
  for (const std::string& path : files_in(data_root() + "/profiles/engines", ".yaml"))
    engines.push_back(read_engine(YamlNode::load_file(path)));
  std::sort(engines.begin(), engines.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return engines;
}

}  // namespace aforo::fast
