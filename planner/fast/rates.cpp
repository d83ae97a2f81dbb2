#include "planner/fast/rates.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/text.h"

namespace aforo::fast {
namespace {

constexpr std::string_view rate_names[n_rates] = {"gemm_16",
                                                  "gemm_8",
                                                  "gemm_4",
                                                  "half_mn",
                                                  "half_k",
                                                  "memory",
                                                  "gap",
                                                  "attention_forward",
                                                  "attention_backward",
                                                  "half_seq",
                                                  "score_passes",
                                                  "pass_factor",
                                                  "loss_bytes",
                                                  "host_layer",
                                                  "step_fixed",
                                                  "optimizer_factor",
                                                  "intra",
                                                  "inter",
                                                  "slice",
                                                  "latency_intra",
                                                  "latency_inter",
                                                  "tp_exposed",
                                                  "dp_exposed",
                                                  "shard_serial",
                                                  "pp_exposed",
                                                  "cp_exposed",
                                                  "ep_exposed",
                                                  "straggler",
                                                  "quantize_passes",
                                                  "adapter_passes",
                                                  "dequantize",
                                                  "grouped",
                                                  "host_link",
                                                  "compiled_passes",
                                                  "compiled_host",
                                                  "shard_host",
                                                  "deterministic",
                                                  "overlap_window"};

/// Bytes/s of pinned copies, one direction (nvbandwidth, gpu-benches, ml-engineering): PCIe
/// 3 12.35, PCIe 4 26, PCIe 5 55, Grace's C2C 360 GB/s; 25 assumed for what is none of these.
double host_link(const AcceleratorSpec& card) {
  if (card.name.starts_with("gb") || card.name.starts_with("gh")) return 360e9;
  if (card.link.kind == "pcie5") return 55e9;
  const std::string generation = generation_of(card);
  if (generation == "volta") return 12.35e9;
  if (generation == "ampere" || generation == "ada") return 26e9;
  return generation == "hopper" || generation == "blackwell" ? 55e9 : 25e9;
}

/// Data-sheet part of every rate; 1 where there is none.
std::array<double, n_rates> bases(const Cluster& cluster) {
  std::array<double, n_rates> base;
  base.fill(1);
  const AcceleratorSpec& card = *cluster.accelerator;
  const auto set = [&](Rate rate, double value) { base[static_cast<int>(rate)] = value; };
  const double peak_16 = peak_or(card, "bf16", peak_or(card, "fp16", peak_or(card, "fp32", 0)));
  const double peak_8 = peak_or(card, "fp8", 2 * peak_16);
  set(Rate::gemm_16, peak_16 * card.gemm_efficiency);
  set(Rate::gemm_8, peak_8 * card.gemm_fp8_efficiency.value_or(0.9 * card.gemm_efficiency));
  set(Rate::gemm_4, peak_or(card, "fp4", 2 * peak_8) *
                        card.gemm_fp8_efficiency.value_or(0.9 * card.gemm_efficiency));
  // Tiles in flight grow with the number of cores, which grows slower than the peak.
  set(Rate::half_mn, std::sqrt(peak_16 / 312e12));
  set(Rate::memory, card.memory_bandwidth.value * card.memory_efficiency);
  set(Rate::intra, std::max(1e9, cluster.intra_bandwidth));
  set(Rate::inter, std::max(1e8, cluster.inter_bandwidth));
  set(Rate::slice, 3.1e9);  // DCN of a TPU host shared by its chips, assumed
  set(Rate::host_link, host_link(card));
  return base;
}

}  // namespace

double peak_or(const AcceleratorSpec& accelerator, const char* type, double otherwise) {
  const auto found = accelerator.peak_dense.find(type);
  return found == accelerator.peak_dense.end() ? otherwise : found->second.value;
}

std::string_view name_of(Rate rate) { return rate_names[static_cast<int>(rate)]; }

std::string generation_of(const AcceleratorSpec& accelerator) {
  const std::string& capability = accelerator.compute_capability;
  if (accelerator.kind == "tpu") return "tpu";
  if (capability.starts_with("gfx")) return "cdna";
  if (capability.starts_with("7.")) return "volta";
  if (capability.starts_with("8.9")) return "ada";
  if (capability.starts_with("8.")) return "ampere";
  if (capability.starts_with("9.")) return "hopper";
  if (capability.starts_with("12")) return "ada";  // consumer Blackwell has no datacentre kernels
  if (capability.starts_with("10") || accelerator.name.starts_with("gb")) return "blackwell";
  return accelerator.vendor == "AMD" ? "cdna" : "custom";
}

Rates RateRecipe::rates(const Constants& constants) const {
  Rates rates;
  rates.native = native;
  for (int i = 0; i < n_rates; ++i) {
    double value = base[i];
    for (std::int16_t index : factors[i])
      if (index >= 0) value *= constants.all()[index].value;
    rates.values[i] = value;
  }
  return rates;
}

RateRecipe rate_recipe(const Constants& constants, const Cluster& cluster,
                       const EngineSpec& engine) {
  RateRecipe recipe;
  recipe.base = bases(cluster);
  recipe.native = engine.native;
  const std::string generation = generation_of(*cluster.accelerator);
  for (int i = 0; i < n_rates; ++i) {
    const std::string name(rate_names[i]);
    const std::string names[] = {name,
                                 "generation." + generation + "." + name,
                                 "card." + cluster.accelerator->name + "." + name,
                                 "engine." + engine.rates + "." + name,
                                 "engine." + engine.rates + "." + generation + "." + name,
                                 cluster.inter_stated ? "" : "unstated." + name};
    bool found = recipe.base[i] != 1;
    for (std::size_t j = 0; j < std::size(names); ++j) {
      recipe.factors[i][j] = static_cast<std::int16_t>(constants.find(names[j]));
      found = found || recipe.factors[i][j] >= 0;
    }
    if (!found)
      throw InternalError(fmt::format("no constant gives the rate {} for {}", name, engine.name));
  }
  return recipe;
}

Constants Constants::load() {
  return read(YamlNode::load_file(data_root() + "/profiles/calibrations/published.yaml"));
}

Constants Constants::read(const YamlNode& node) {
  Constants constants;
  constants.date = node.at("date").date();
  constants.fitted_to = node.at("fitted_to").string();
  for (const YamlNode& item : node.at("constants").items()) {
    Constant constant;
    constant.name = item.at("name").string();
    constant.value = item.at("value").number(1e-15, 1e15);
    constant.prior = item.at("prior").number(1e-15, 1e15);
    constant.spread = item.at("spread").number(1e-6, 10);
    constant.meaning = item.at("meaning").string();
    item.finish();
    const int index = static_cast<int>(constants.constants_.size());
    if (!constants.index_.emplace(constant.name, index).second)
      item.fail(fmt::format("constant {} is there twice", constant.name));
    constants.constants_.push_back(std::move(constant));
  }
  node.finish();
  return constants;
}

int Constants::find(const std::string& name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? -1 : found->second;
}

std::string Constants::write() const {
  std::string out =
      fmt::format("date: {}\nfitted_to: {}\nconstants:\n", date, yaml_scalar(fitted_to));
  for (const Constant& c : constants_)
    out +=
        fmt::format("- {{name: {}, value: {:.4g}, prior: {:.4g}, spread: {:.3g}, meaning: {}}}\n",
                    c.name, c.value, c.prior, c.spread, yaml_scalar(c.meaning));
  return out;
}

}  // namespace aforo::fast
