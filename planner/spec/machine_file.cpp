#include "planner/spec/machine_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/nearest.h"
#include "planner/base/text.h"

namespace aforo {

MachineSpec read_machine(const YamlNode& node) {
  MachineSpec machine;
  machine.name = node.at("name").string();
  machine.provider = node.at("provider").string();
  machine.accelerator = node.at("accelerator").string();
  machine.count = static_cast<int>(node.at("count").integer(1, 1024));
  if (const auto link = node.find("link")) {
    machine.link_kind = link->at("kind").string();
    machine.link = link->at("bandwidth").bandwidth();
    link->finish();
  }
  if (const auto network = node.find("network")) {
    machine.network_kind = network->at("kind").string();
    machine.network = network->at("bandwidth").above_zero(&YamlNode::bandwidth);
    network->finish();
  }
  if (const auto host = node.find("host")) {
    if (const auto vcpu = host->find("vcpu")) vcpu->integer(1, 1 << 16);
    if (const auto memory = host->find("memory")) machine.host_memory = memory->bytes();
    if (const auto nvme = host->find("nvme")) machine.nvme = nvme->bytes();
    host->finish();
  }
  node.at("source").string();
  if (const auto note = node.find("note")) machine.note = note->string();
  node.finish();
  return machine;
}

std::vector<MachineSpec> all_machines() {
  std::vector<MachineSpec> machines;
  for (const std::string& path : files_in(data_root() + "/profiles/machines", ".yaml"))
    machines.push_back(read_machine(YamlNode::load_file(path)));
  std::sort(machines.begin(), machines.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return machines;
}

MachineSpec find_machine(const std::string& name) {
  std::vector<std::string> names;
  for (MachineSpec& machine : all_machines()) {
    if (machine.name == name) return machine;
    names.push_back(machine.name);
  }
  const std::string near = nearest(name, names);
  throw InputError(fmt::format("there is no machine {}{}; `aforo hardware --machines` lists them",
                               shown(name),
                               near.empty() ? "" : fmt::format("; did you mean {}?", near)));
}

}  // namespace aforo
