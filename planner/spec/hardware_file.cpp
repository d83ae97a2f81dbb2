#include "planner/spec/hardware_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>

#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/nearest.h"
#include "planner/base/text.h"

namespace aforo {
namespace {

constexpr int most_devices = 100000;

/// What two spellings of one card have in common.
std::string plain(std::string_view name) {
  std::string out;
  for (char c : name)
    if (c != ' ' && c != '-' && c != '_')
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// The name that is nearest once spelling is left aside.
std::string nearest_plain(const std::string& name, const std::vector<std::string>& names) {
  std::vector<std::string> candidates;
  for (const std::string& candidate : names) candidates.push_back(plain(candidate));
  const std::string near = nearest(plain(name), candidates);
  for (const std::string& candidate : names)
    if (!near.empty() && plain(candidate) == near) return candidate;
  return "";
}

std::string read_source(const YamlNode& node) {
  if (!node.is_map()) return node.string();
  std::string out;
  for (const char* key : {"url", "read", "note"})
    if (const auto part = node.find(key)) out += (out.empty() ? "" : "; ") + part->string();
  node.finish();
  return out;
}

LinkSpec read_link(const YamlNode& node) {
  LinkSpec link;
  if (const auto kind = node.find("kind")) link.kind = kind->string();
  if (const auto bandwidth = node.find("bandwidth")) link.bandwidth = bandwidth->bandwidth();
  if (const auto reduce = node.find("all_reduce")) link.all_reduce = reduce->bandwidth();
  if (const auto p2p = node.find("p2p")) link.p2p = p2p->boolean();
  node.finish();
  return link;
}

void read_efficiency(const YamlNode& node, AcceleratorSpec& spec) {
  spec.gemm_efficiency = node.at("gemm").number(0.01, 1.0);
  spec.memory_efficiency = node.at("memory").number(0.01, 1.0);
  if (const auto fp8 = node.find("gemm_fp8")) spec.gemm_fp8_efficiency = fp8->number(0.01, 1.0);
  if (const auto origin = node.find("origin")) spec.efficiency_origin = origin->string();
  node.finish();
}

Offer read_offer(const YamlNode& node) {
  Offer offer;
  offer.provider = node.at("provider").string();
  if (const auto region = node.find("region")) offer.region = region->string();
  if (const auto machine = node.find("machine")) offer.machine = machine->string();
  offer.accelerator = node.at("accelerator").string();
  offer.count = static_cast<int>(node.at("count").integer(1, most_devices));
  offer.kind =
      node.at("kind").choice({"on_demand", "community", "spot", "interruptible", "reserved"});
  offer.price = node.at("price").hourly_price();
  if (const auto as_of = node.find("as_of")) offer.as_of = as_of->date();
  if (const auto confidence = node.find("confidence")) offer.confidence = confidence->string();
  if (const auto source = node.find("source")) offer.source = source->string();
  node.finish();
  return offer;
}

/// Sorted.
constexpr std::string_view peak_types[] = {"bf16", "fp16", "fp32", "fp4",
                                           "fp64", "fp8",  "int8", "tf32"};

void read_peaks(const YamlNode& node, AcceleratorSpec& spec) {
  for (std::string_view type : peak_types)
    if (const auto peak = node.find(std::string(type)))
      spec.peak_dense[std::string(type)] = peak->above_zero(&YamlNode::flops_rate);
  node.finish();
  if (spec.peak_dense.empty()) node.fail("peak_dense is empty; give at least one type's peak");
}

}  // namespace

AcceleratorSpec read_accelerator(const YamlNode& node) {
  AcceleratorSpec spec;
  spec.name = node.at("name").string();
  spec.vendor = node.at("vendor").string();
  spec.kind = node.at("kind").choice({"gpu", "tpu", "custom", "cpu"});
  if (const auto aliases = node.find("aliases"))
    for (const YamlNode& alias : aliases->items()) spec.aliases.push_back(alias.string());
  if (const auto year = node.find("year")) spec.year = static_cast<int>(year->integer(1990, 2100));
  spec.memory = node.at("memory").above_zero(&YamlNode::bytes);
  const auto usable = node.find("usable_memory");
  spec.usable_memory = usable ? usable->above_zero(&YamlNode::bytes) : spec.memory;
  spec.memory_bandwidth = node.at("memory_bandwidth").above_zero(&YamlNode::bandwidth);
  read_peaks(node.at("peak_dense"), spec);
  read_efficiency(node.at("efficiency"), spec);
  spec.launch_overhead = node.at("launch_overhead").seconds();
  spec.context_memory = node.at("context_memory").bytes();
  if (const auto capability = node.find("compute_capability"))
    spec.compute_capability = capability->string();
  if (const auto tdp = node.find("tdp")) spec.tdp = tdp->watts();
  if (const auto link = node.find("link")) spec.link = read_link(*link);
  if (const auto per_node = node.find("per_node"))
    spec.per_node = static_cast<int>(per_node->integer(1, most_devices));
  spec.source = read_source(node.at("source"));
  node.finish();
  return spec;
}

std::vector<AcceleratorSpec> all_accelerators() {
  std::vector<AcceleratorSpec> specs;
  std::map<std::string, std::string> file_of;
  for (const std::string& path : files_in(data_root() + "/profiles/accelerators", ".yaml")) {
    specs.push_back(read_accelerator(YamlNode::load_file(path)));
    std::vector<std::string> names = specs.back().aliases;
    names.push_back(specs.back().name);
    for (const std::string& name : names) {
      const auto [it, fresh] = file_of.emplace(plain(name), path);
      if (!fresh && it->second != path)
        throw InputError(fmt::format("{}: {} already names the accelerator in {}", path,
                                     shown(name), it->second));
    }
  }
  std::sort(specs.begin(), specs.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return specs;
}

namespace {
std::vector<std::string> names_of(const AcceleratorSpec& spec) {
  std::vector<std::string> names = spec.aliases;
  names.push_back(spec.name);
  return names;
}
}  // namespace

std::string match_accelerator(const std::string& name, const std::vector<AcceleratorSpec>& specs) {
  const std::string wanted = plain(name);
  for (const AcceleratorSpec& spec : specs)
    for (const std::string& candidate : names_of(spec))
      if (plain(candidate) == wanted) return spec.name;
  return "";
}

AcceleratorSpec find_accelerator(const std::string& name) {
  if (name.ends_with(".yaml")) return read_accelerator(YamlNode::load_file(name));
  const std::vector<AcceleratorSpec> specs = all_accelerators();
  const std::string match = match_accelerator(name, specs);
  std::vector<std::string> known;
  for (const AcceleratorSpec& spec : specs) {
    if (spec.name == match) return spec;
    const std::vector<std::string> names = names_of(spec);
    known.insert(known.end(), names.begin(), names.end());
  }
  const std::string near = nearest_plain(name, known);
  throw InputError(fmt::format("there is no accelerator {}{}; `aforo hardware` lists the names",
                               shown(name),
                               near.empty() ? "" : fmt::format("; did you mean {}?", near)));
}

GpuRequest parse_gpu_request(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return {text, 1};
  GpuRequest request{text.substr(0, colon), 0};
  const std::string_view count = std::string_view(text).substr(colon + 1);
  const auto [end, error] =
      std::from_chars(count.data(), count.data() + count.size(), request.count);
  if (error != std::errc() || end != count.data() + count.size() || request.count < 1 ||
      request.count > most_devices)
    throw InputError(
        fmt::format("{}: the number of devices is {}; expected 1 to 100000, as in rtx-4090:4",
                    shown(text), shown(count)));
  return request;
}

PriceList read_prices(const YamlNode& node) {
  PriceList list;
  list.as_of = node.at("as_of").date();
  if (const auto source = node.find("source")) read_source(*source);
  for (const YamlNode& item : node.at("offers").items()) list.offers.push_back(read_offer(item));
  node.finish();
  return list;
}

PriceList newest_prices() {
  PriceList newest;
  for (const std::string& path : files_in(data_root() + "/profiles/prices", ".yaml")) {
    PriceList list = read_prices(YamlNode::load_file(path));
    if (list.as_of > newest.as_of) newest = std::move(list);
  }
  return newest;
}

std::optional<Offer> cheapest_offer(const PriceList& prices, const std::string& accelerator,
                                    int count, const std::string& kind) {
  const auto per_device = [](const Offer& offer) { return offer.price.value / offer.count; };
  std::optional<Offer> best;
  for (bool exact : {true, false}) {
    for (const Offer& offer : prices.offers) {
      const bool wanted = kind.empty() ? offer.kind == "on_demand" || offer.kind == "community"
                                       : offer.kind == kind;
      if (offer.accelerator != accelerator || !wanted || (exact && offer.count != count)) continue;
      if (!best || per_device(offer) < per_device(*best)) best = offer;
    }
    if (best) return best;
  }
  return best;
}

}  // namespace aforo
