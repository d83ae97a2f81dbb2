#pragma once
// Machines that are rented or owned: how many of which accelerator, what links them, what the host
// has. profiles/machines/*.yaml.

#include <optional>
#include <string>
#include <vector>

#include "planner/base/yaml_reader.h"

namespace aforo {

struct MachineSpec {
  std::string name;  ///< "aws/p5.48xlarge"
  std::string provider;
  std::string accelerator;  ///< name of a profile
  int count = 1;
  std::optional<BytesPerSecond> link;     ///< inside, one device and direction
  std::optional<BytesPerSecond> network;  ///< between machines, all its cards together
  std::optional<Bytes> host_memory;
  std::optional<Bytes> nvme;  ///< local drives, all together
  std::string link_kind, network_kind, note;
};

MachineSpec read_machine(const YamlNode& node);

/// Every file of profiles/machines, sorted by name.
std::vector<MachineSpec> all_machines();

/// The machine of that name. Throws InputError naming the nearest.
MachineSpec find_machine(const std::string& name);

}  // namespace aforo
