#include "planner/validate/cluster_of_run.h"

#include <algorithm>
#include <regex>

#include "planner/fast/setup_of_job.h"

namespace aforo::validate {
namespace {

constexpr double gbit = 1e9 / 8;

std::optional<double> first_number(const std::string& text, const char* pattern) {
  std::smatch match;
  if (!std::regex_search(text, match, std::regex(pattern, std::regex::icase))) return std::nullopt;
  return std::stod(match[1]);
}

/// Gb/s of one device as the text says, in one of the wordings of the data set; nothing if silent.
std::optional<double> stated_gbit_per_device(const std::string& text, int per_node) {
  if (const auto gpu = first_number(text, R"((\d+) ?Gb/s[^,|]* per GPU)")) return gpu;
  if (const auto node = first_number(text, R"((\d+) ?(?:Gbps|Gb/s) (?:node-to-node|per node))"))
    return *node / per_node;
  std::smatch match;
  // "Compute: 8x ConnectX-7 IB NDR 400Gb/s", "4x ConnectX-8 IB XDR 800 Gb/s", "8x HDR 200 Gb/s"
  const std::regex cards(
      R"((\d+)x (?:NVIDIA )?(?:ConnectX|HDR|MT|BF|Omni-Path|IB)[^,|]*?(\d{2,4}) ?Gb(?:ps|/s))",
      std::regex::icase);
  const std::size_t compute = text.find("ompute:");
  const std::string part = compute == std::string::npos ? text : text.substr(compute);
  if (std::regex_search(part, match, cards))
    return std::stod(match[1]) * std::stod(match[2]) / per_node;
  if (const auto fabric = first_number(text, R"(InfiniBand (\d+) ?Gb/s)"))
    return *fabric / per_node;
  return std::nullopt;
}

int slices(const std::string& text) {
  const auto n = first_number(text, R"((\d+) slice)");
  return n ? std::max(1, static_cast<int>(*n)) : 1;
}

}  // namespace

fast::Cluster cluster_of(const Run& run, const AcceleratorSpec& accelerator) {
  fast::Cluster cluster = fast::cluster_of(accelerator, std::max(1, run.gpu_count));
  // NVLink domains of racks are larger than hosts; smaller machines are as the source says.
  if (run.nodes > 0 && accelerator.per_node <= 16)
    cluster.per_node = std::max(1, cluster.n_devices / run.nodes);
  if (run.interconnect.find("NVL72") != std::string::npos) cluster.per_node = 72;
  if (accelerator.kind == "tpu") {
    cluster.n_slices = slices(run.interconnect);
    cluster.per_node = std::max(1, cluster.n_devices / cluster.n_slices);
  }
  // Network cards are listed by host; a host of an NVLink rack has four devices.
  const int host = accelerator.per_node <= 16 ? accelerator.per_node : 4;
  const auto stated = stated_gbit_per_device(run.interconnect, std::max(1, host));
  cluster.inter_stated =
      stated.has_value() || accelerator.kind == "tpu" ||
      std::regex_search(run.interconnect, std::regex("NIC|RoCE|ROCE|nfini|thernet|DGX"));
  cluster.inter_bandwidth = gbit * stated.value_or(fast::inter_gbit_per_device(accelerator));
  return cluster;
}

}  // namespace aforo::validate
