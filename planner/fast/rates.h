#pragma once
// The constants of the time model: few, each with a meaning, a prior and a source. What a device,
// a link and an engine reach is a product of a data-sheet figure and named factors, so that one
// factor is shared by all setups it concerns.

#include <array>
#include <map>
#include <string>
#include <vector>

#include "planner/base/yaml_reader.h"
#include "planner/fast/cluster.h"
#include "planner/fast/engine.h"

namespace aforo::fast {

/// Every number that the time model uses. docs/cost-model.md has the formulas.
enum class Rate {
  gemm_16,             ///< FLOP/s of large products in 16 bits (fp32 types scale by their peaks)
  gemm_8,              ///< FLOP/s of large products in fp8
  gemm_4,              ///< FLOP/s of large products in fp4
  half_mn,             ///< output elements at which a product runs at half rate: SM waves
  half_k,              ///< inner length at which a product runs at half rate
  memory,              ///< bytes/s of streaming passes
  gap,                 ///< seconds between two kernels
  attention_forward,   ///< share of gemm_16 that fused attention reaches forward
  attention_backward,  ///< and backward
  half_seq,            ///< sequence length at which fused attention runs at half rate
  score_passes,        ///< passes over the score matrix in unfused attention, forward and backward
  pass_factor,         ///< traffic of the other passes over that of perfectly fused ones
  loss_bytes,          ///< traffic per logit of loss and its gradient
  host_layer,          ///< seconds the host needs to issue one layer forward
  step_fixed,          ///< seconds of a step that depend on nothing: logging, data, synchronisation
  optimizer_factor,    ///< optimizer traffic over the ideal
  intra,               ///< bytes/s of a device inside a node, in collectives
  inter,               ///< bytes/s of a device between nodes, in collectives
  slice,               ///< bytes/s of a device between TPU slices
  latency_intra,       ///< seconds of a small collective inside a node
  latency_inter,       ///< and across nodes
  tp_exposed,          ///< share of tensor-parallel communication that compute does not hide
  dp_exposed,          ///< share of the gradient reduction that is never hidden
  shard_serial,     ///< share of gathered-weight communication that adds to compute (FSDP, ZeRO-3)
  pp_exposed,       ///< share of pipeline transfers not hidden
  cp_exposed,       ///< share of context-parallel exchange not hidden
  ep_exposed,       ///< share of expert exchange not hidden
  straggler,        ///< growth of a step per doubling of nodes
  quantize_passes,  ///< traffic of casting a product's operands to fp8, per element and byte
  adapter_passes,   ///< traffic of an adapter (LoRA) over reading its input and adding its output
  dequantize,       ///< share of memory bandwidth that NF4 unpacking reaches
  grouped,          ///< share of the product rate that grouped expert products reach
  host_link,        ///< bytes/s between host and device
  compiled_passes,  ///< traffic of passes under the framework's compiler over that without
  compiled_host,    ///< host time likewise
  shard_host,       ///< seconds of host time that gathering a layer adds
  deterministic,    ///< time of attention with deterministic kernels over that without
  overlap_window,   ///< share of the last micro-step that may hide the gradient reduction
  count
};
constexpr int n_rates = static_cast<int>(Rate::count);
std::string_view name_of(Rate rate);

/// A step's fixed seconds that remain where it is a captured graph.
constexpr double graph_fixed_share = 0.3;

struct Rates {
  std::array<double, n_rates> values{};
  bool native = false;  ///< the engine executes lowered programs, which are priced op by op
  double operator[](Rate rate) const { return values[static_cast<int>(rate)]; }
};

/// One calibrated constant.
struct Constant {
  std::string name;  ///< "memory", "card.h100-sxm.gemm_16", "engine.torch.host_layer"
  double value = 1;
  double prior = 1;     ///< what we believed before looking at runs
  double spread = 0.1;  ///< standard deviation of its logarithm around the prior
  std::string meaning;
};

/// The calibrated constants, in the order of their file.
class Constants {
 public:
  static Constants load();  ///< profiles/calibrations/published.yaml
  static Constants read(const YamlNode& node);

  std::string date;       ///< of the fit
  std::string fitted_to;  ///< which runs

  const std::vector<Constant>& all() const { return constants_; }
  void set(std::size_t index, double value) { constants_[index].value = value; }
  /// Index of a name, or -1.
  int find(const std::string& name) const;
  std::string write() const;  ///< as YAML

 private:
  std::vector<Constant> constants_;
  std::map<std::string, int> index_;
};

/// How the rates of one (device, engine) come from constants: rate = base x product of constants.
struct RateRecipe {
  std::array<double, n_rates> base{};
  std::array<std::array<std::int16_t, 6>, n_rates> factors{};  ///< constant indices; -1: none
  bool native = false;

  Rates rates(const Constants& constants) const;
};
RateRecipe rate_recipe(const Constants& constants, const Cluster& cluster,
                       const EngineSpec& engine);

/// FLOP/s that the profile gives for a type ("bf16"); `otherwise` where it has none.
double peak_or(const AcceleratorSpec& accelerator, const char* type, double otherwise);

/// "volta", "ampere", "ada", "hopper", "blackwell", "cdna", "tpu", "custom": what shares kernels.
std::string generation_of(const AcceleratorSpec& accelerator);

}  // namespace aforo::fast
