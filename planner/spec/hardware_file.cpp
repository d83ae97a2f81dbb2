#include "planner/spec/hardware_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>

#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/nearest.h"

namespace aforo {
namespace {

/// What two spellings of one card have in common.
std::string plain(std::string_view name) {
  std::string out;
  for (char c : name)
    if (c != ' ' && c != '-' && c != '_')
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
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
  if (const auto fp8 = node.find("gemm_fp8")) fp8->number(0.01, 1.0);
  if (const auto origin = node.find("origin")) spec.efficiency_origin = origin->string();
  node.finish();
}

constexpr std::string_view peak_types[] = {"bf16", "fp16", "fp32", "fp4",
                                           "fp64", "fp8",  "int8", "tf32"};

void read_peaks(const YamlNode& node, AcceleratorSpec& spec) {
  for (std::string_view type : peak_types)
    if (const auto peak = node.find(std::string(type)))
      spec.peak_dense[std::string(type)] = peak->flops_rate();
  node.finish();
}

}  // namespace

AcceleratorSpec read_accelerator(const YamlNode& node) {
  AcceleratorSpec spec;
  spec.name = node.at("name").string();
  spec.vendor = node.at("vendor").string();
  spec.kind = node.at("kind").string();
  if (const auto aliases = node.find("aliases"))
    for (const YamlNode& alias : aliases->items()) spec.aliases.push_back(alias.string());
  if (const auto year = node.find("year")) spec.year = static_cast<int>(year->integer(1990, 2100));
  spec.memory = node.at("memory").bytes();
  const auto usable = node.find("usable_memory");
  spec.usable_memory = usable ? usable->bytes() : spec.memory;
  spec.memory_bandwidth = node.at("memory_bandwidth").bandwidth();
  read_peaks(node.at("peak_dense"), spec);
  read_efficiency(node.at("efficiency"), spec);
  spec.launch_overhead = node.at("launch_overhead").seconds();
  spec.context_memory = node.at("context_memory").bytes();
  if (const auto capability = node.find("compute_capability"))
    spec.compute_capability = capability->string();
  if (const auto tdp = node.find("tdp")) spec.tdp = tdp->watts();
  if (const auto link = node.find("link")) spec.link = read_link(*link);
  if (const auto per_node = node.find("per_node"))
    spec.per_node = static_cast<int>(per_node->integer(1, 100000));
  spec.source = read_source(node.at("source"));
  node.finish();
  if (spec.memory_bandwidth.value <= 0)
    node.at("memory_bandwidth").fail("memory_bandwidth must be above 0");
  return spec;
}

std::vector<AcceleratorSpec> all_accelerators() {
  std::vector<AcceleratorSpec> specs;
  std::map<std::string, std::string> owner;
  for (const std::string& path : files_in(data_root() + "/profiles/accelerators", ".yaml")) {
    specs.push_back(read_accelerator(YamlNode::load_file(path)));
    std::vector<std::string> names = specs.back().aliases;
    names.push_back(specs.back().name);
    for (const std::string& name : names) {
      const auto [it, fresh] = owner.emplace(plain(name), specs.back().name);
      if (!fresh && it->second != specs.back().name)
        throw InputError(fmt::format("{}: \"{}\" already names {}", path, name, it->second));
    }
  }
  return specs;
}

AcceleratorSpec find_accelerator(const std::string& name) {
  if (name.ends_with(".yaml") && std::filesystem::exists(name))
    return read_accelerator(YamlNode::load_file(name));
  std::vector<std::string> known;
  const std::vector<AcceleratorSpec> specs = all_accelerators();
  for (const AcceleratorSpec& spec : specs) {
    std::vector<std::string> names = spec.aliases;
    names.push_back(spec.name);
    for (const std::string& candidate : names)
      if (plain(candidate) == plain(name)) return spec;
    known.insert(known.end(), names.begin(), names.end());
  }
  const std::string near = nearest(name, known);
  throw InputError(fmt::format("there is no accelerator \"{}\"{}; `aforo hardware` lists the names",
                               name, near.empty() ? "" : fmt::format("; did you mean {}?", near)));
}

GpuRequest parse_gpu_request(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return {text, 1};
  GpuRequest request{text.substr(0, colon), 0};
  const std::string_view count = std::string_view(text).substr(colon + 1);
  const auto [end, error] =
      std::from_chars(count.data(), count.data() + count.size(), request.count);
  if (error != std::errc() || end != count.data() + count.size() || request.count < 1 ||
      request.count > 100000)
    throw InputError(fmt::format(
        "\"{}\": the number of devices is \"{}\"; expected 1 to 100000, as in rtx-4090:4", text,
        count));
  return request;
}

PriceList read_prices(const YamlNode& node) {
  PriceList list;
  list.as_of = node.at("as_of").string();
  if (const auto source = node.find("source")) read_source(*source);
  for (const YamlNode& item : node.at("offers").items()) {
    Offer offer;
    offer.provider = item.at("provider").string();
    if (const auto region = item.find("region")) offer.region = region->string();
    offer.accelerator = item.at("accelerator").string();
    offer.count = static_cast<int>(item.at("count").integer(1, 100000));
    offer.kind = item.at("kind").string();
    offer.price = item.at("price").hourly_price();
    if (const auto as_of = item.find("as_of")) offer.as_of = as_of->string();
    if (const auto confidence = item.find("confidence")) offer.confidence = confidence->string();
    if (const auto source = item.find("source")) offer.source = source->string();
    item.finish();
    list.offers.push_back(std::move(offer));
  }
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
      const bool wanted =
          kind.empty() ? offer.kind == "on_demand" || offer.kind == "community" : offer.kind == kind;
      if (offer.accelerator != accelerator || !wanted || (exact && offer.count != count)) continue;
      if (!best || per_device(offer) < per_device(*best)) best = offer;
    }
    if (best) return best;
  }
  return best;
}

}  // namespace aforo
