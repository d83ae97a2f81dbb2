#include "planner/fast/engine.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/nearest.h"
#include "planner/base/text.h"
#include "planner/spec/enum_tables.h"

namespace aforo::fast {
namespace {

std::vector<std::string> strings(const YamlNode& node) {
  std::vector<std::string> out;
  for (const YamlNode& item : node.items()) out.push_back(item.string());
  return out;
}

EngineSupport read_support(const YamlNode& node) {
  EngineSupport support;
  support.shardings.clear();
  for (const YamlNode& item : node.at("shardings").items())
    support.shardings.push_back(item.enumeration<Sharding>());
  if (const auto methods = node.find("methods")) {
    support.methods.clear();
    for (const YamlNode& item : methods->items())
      support.methods.push_back(item.enumeration<Method>());
  }
  if (const auto schedules = node.find("schedules")) {
    support.schedules.clear();
    for (const YamlNode& item : schedules->items())
      support.schedules.push_back(item.enumeration<PipelineSchedule>());
  }
  const std::pair<const char*, bool EngineSupport::*> flags[] = {
      {"tp", &EngineSupport::tp},
      {"pp", &EngineSupport::pp},
      {"cp", &EngineSupport::cp},
      {"ep", &EngineSupport::ep},
      {"interleaving", &EngineSupport::interleaving},
      {"uneven_stages", &EngineSupport::uneven_stages},
      {"offload_nvme", &EngineSupport::offload_nvme},
      {"recompute_per_layer", &EngineSupport::recompute_per_layer},
      {"fp8", &EngineSupport::fp8},
      {"moe", &EngineSupport::moe},
      {"offload_states", &EngineSupport::offload_states},
      {"offload_activations", &EngineSupport::offload_activations}};
  for (const auto& [key, member] : flags)
    if (const auto value = node.find(key)) support.*member = value->boolean();
  node.finish();
  return support;
}

}  // namespace

MemoryStyle MemoryStyle::with(const YamlNode& node) const {
  MemoryStyle style = *this;
  const std::pair<const char*, double MemoryStyle::*> numbers[] = {
      {"adapter_bytes", &MemoryStyle::adapter_bytes},
      {"expert_imbalance", &MemoryStyle::expert_imbalance},
      {"extra_workspaces", &MemoryStyle::extra_workspaces},
      {"fused_logit_bytes", &MemoryStyle::fused_logit_bytes},
      {"gate_tensors", &MemoryStyle::gate_tensors},
      {"gathered_units", &MemoryStyle::gathered_units},
      {"logit_bytes", &MemoryStyle::logit_bytes},
      {"norm_bytes", &MemoryStyle::norm_bytes},
      {"norm_weight_bytes", &MemoryStyle::norm_weight_bytes},
      {"optimizer_temporary", &MemoryStyle::optimizer_temporary},
      {"parallel_logit_bytes", &MemoryStyle::parallel_logit_bytes},
      {"score_bytes", &MemoryStyle::score_bytes},
      {"slack", &MemoryStyle::slack},
      {"variable_length_cache", &MemoryStyle::variable_length_cache},
      {"workspaces", &MemoryStyle::workspaces}};
  const std::pair<const char*, bool MemoryStyle::*> flags[] = {
      {"adapter_per_matrix", &MemoryStyle::adapter_per_matrix},
      {"compiled", &MemoryStyle::compiled},
      {"fp8_inputs", &MemoryStyle::fp8_inputs},
      {"joint_qkv", &MemoryStyle::joint_qkv},
      {"loads_whole", &MemoryStyle::loads_whole},
      {"norm_output", &MemoryStyle::norm_output},
      {"persistent_gradients", &MemoryStyle::persistent_gradients},
      {"pipeline_outputs", &MemoryStyle::pipeline_outputs},
      {"quantized_head", &MemoryStyle::quantized_head},
      {"quantized_inputs", &MemoryStyle::quantized_inputs},
      {"repeated_kv", &MemoryStyle::repeated_kv},
      {"static_buffers", &MemoryStyle::static_buffers},
      {"ties", &MemoryStyle::ties}};
  for (const auto& [key, member] : numbers)
    if (const auto value = node.find(key)) style.*member = value->number(0, 100);
  for (const auto& [key, member] : flags)
    if (const auto value = node.find(key)) style.*member = value->boolean();
  if (const auto value = node.find("communicator")) style.communicator = value->bytes().value;
  if (const auto value = node.find("vocab_multiple"))
    style.vocab_multiple = static_cast<int>(value->integer(1, 4096));
  if (const auto value = node.find("name")) style.name = value->string();
  if (const auto value = node.find("frameworks")) style.frameworks = strings(*value);
  node.finish();
  return style;
}

bool EngineSpec::runs_on_kind(const std::string& kind) const {
  return std::find(runs_on.begin(), runs_on.end(), kind) != runs_on.end();
}

bool EngineSpec::trains(Method method) const {
  return std::find(supports.methods.begin(), supports.methods.end(), method) !=
         supports.methods.end();
}

int EngineSpec::style_of(const std::string& framework) const {
  int best = 0;
  std::size_t length = 0;
  for (std::size_t i = 0; i < styles.size(); ++i)
    for (const std::string& beginning : styles[i].frameworks)
      if (beginning.size() > length && framework.starts_with(beginning))
        best = static_cast<int>(i) + 1, length = beginning.size();
  return best;
}

EngineSpec read_engine(const YamlNode& node) {
  EngineSpec engine;
  engine.name = node.at("name").string();
  engine.title = node.at("title").string();
  engine.rates = engine.name;
  if (const auto rates = node.find("rates")) engine.rates = rates->string();
  engine.native = node.at("native").boolean();
  engine.frameworks = strings(node.at("frameworks"));
  if (const auto kinds = node.find("runs_on")) engine.runs_on = strings(*kinds);
  if (const auto host = node.find("host_optimizer")) engine.host_optimizer = host->boolean();
  if (const auto lazy = node.find("lazy_states")) engine.lazy_states = lazy->boolean();
  if (const auto proposed = node.find("proposed")) engine.proposed = proposed->boolean();
  engine.supports = read_support(node.at("supports"));
  if (const auto memory = node.find("memory")) engine.memory = MemoryStyle{}.with(*memory);
  if (const auto styles = node.find("styles"))
    for (const YamlNode& style : styles->items())
      engine.styles.push_back(engine.memory.with(style));
  node.finish();
  return engine;
}

const EngineSpec& find_engine(const std::vector<EngineSpec>& engines, const std::string& name) {
  std::vector<std::string> names;
  for (const EngineSpec& engine : engines) {
    if (engine.name == name) return engine;
    names.push_back(engine.name);
  }
  const std::string near = nearest(name, names);
  throw InputError(fmt::format("there is no engine {}{}; the engines are {}", shown(name),
                               near.empty() ? "" : fmt::format("; did you mean {}?", near),
                               fmt::join(names, ", ")));
}

EngineSpec native_engine() {
  return read_engine(YamlNode::load_file(data_root() + "/profiles/engines/native.yaml"));
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
