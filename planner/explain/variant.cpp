#include "planner/explain/variant.h"

#include <fmt/format.h>

#include <algorithm>

#include "planner/fast/setup_of_job.h"
#include "planner/search/lattice.h"
#include "planner/spec/enum_tables.h"

namespace aforo::explain {
namespace {

constexpr const char* type_names[] = {"fp32", "tf32", "fp16", "bf16", "fp8", "fp4"};

std::string engine_obstacle(const Variant& v) {
  const fast::EngineSupport& can = v.engine->supports;
  const fast::Setup& s = v.setup;
  const std::string& name = v.engine->name;
  const auto& shardings = can.shardings;
  if (s.parallel.dp > 1 &&
      std::find(shardings.begin(), shardings.end(), s.parallel.sharding) == shardings.end())
    return fmt::format("{} has no {}", name, enum_name(s.parallel.sharding));
  if (s.model->is_moe() && !can.moe) return fmt::format("{} has no mixture of experts", name);
  if (s.matrix >= fast::MatrixType::fp8 && !can.fp8) return fmt::format("{} has no fp8", name);
  if (s.offload_states != OffloadTo::none && !can.offload_states)
    return fmt::format("{} keeps optimizer states on the device", name);
  if (s.offload_states == OffloadTo::nvme && !can.offload_nvme)
    return fmt::format("{} keeps no states on drives", name);
  if (s.offload_activations != OffloadTo::none && !can.offload_activations)
    return fmt::format("{} keeps activations on the device", name);
  return "";
}

/// Where two engines are compared for how they shard, both run the layers by the same kernels:
/// calibrated constants of kernels belong to the programs that were measured, not to the sharding.
fast::Rates rates_of(const Variant& v, const World& world) {
  const auto of = [&](const fast::EngineSpec& engine) {
    return fast::rate_recipe(*world.constants, v.cluster, engine).rates(*world.constants);
  };
  if (v.kernels == nullptr) return of(*v.engine);
  fast::Rates rates = of(*v.kernels);
  const fast::Rates own = of(*v.engine);
  using enum fast::Rate;
  for (const fast::Rate rate : {host_layer, step_fixed, shard_host, shard_serial, dp_exposed})
    rates.values[static_cast<int>(rate)] = own[rate];
  return rates;
}

/// Without states the peak lies in the backward pass of the last layer or in the loss, and what is
/// kept is all there.
double kept_activations(Variant v) {
  v.setup.states = {0, 0, 0, 0};
  v.setup.frozen_bytes = 0;
  return fast::memory_parts(v.setup, *v.engine).activations;
}

}  // namespace

Outcome evaluate(const Variant& variant, const World& world) {
  const fast::Rates rates = rates_of(variant, world);
  Outcome out;
  out.memory = fast::memory_parts(variant.setup, *variant.engine);
  out.time = fast::time_parts(variant.setup, variant.cluster, rates);
  out.kept = kept_activations(variant);
  out.device_bytes = out.memory.device();
  out.capacity_bytes = variant.setup.device.memory;
  out.fits = out.device_bytes <= out.capacity_bytes;
  out.step_s = out.time.step;
  out.tokens_per_s = static_cast<double>(variant.setup.tokens_per_step()) / out.step_s;
  out.hours = world.n_tokens / out.tokens_per_s / 3600;
  out.usd = out.hours * variant.cluster.n_devices * variant.usd_per_device_hour;
  return out;
}

std::string obstacle(const Variant& v) {
  const fast::Setup& s = v.setup;
  const int ranks = s.parallel.dp;
  if (s.global_batch_size % (s.micro_batch_size * ranks) != 0)
    return fmt::format("global_batch_size {} is no multiple of micro_batch_size {} x dp {}",
                       s.global_batch_size, s.micro_batch_size, ranks);
  if (!fast::multiplies(*v.cluster.accelerator, s.matrix))
    return fmt::format("{} does not multiply in {}", v.cluster.accelerator->name,
                       type_names[static_cast<int>(s.matrix)]);
  return engine_obstacle(v);
}

std::string native_obstacle(const Variant& v) {
  const fast::Setup& s = v.setup;
  if (v.cluster.n_devices > 1) return "one device only";
  if (s.method != Method::full) return "no adapters";
  if (s.model->is_moe()) return "no mixture of experts";
  if (s.model->is_mla()) return "no latent attention";
  if (s.model->attention.sinks) return "no attention sinks";
  if (s.matrix == fast::MatrixType::tf32 || s.matrix >= fast::MatrixType::fp8)
    return fmt::format("no {}", type_names[static_cast<int>(s.matrix)]);
  if (s.states.states < 4) return "no 8-bit optimizer";
  if (s.offload_states != OffloadTo::none || s.offload_activations != OffloadTo::none)
    return "no offload";
  if (v.cluster.accelerator->vendor != "NVIDIA") return "CUDA devices only";
  return "";
}

int best_micro_batch(Variant variant, const World& world) {
  const int per_rank = variant.setup.global_batch_size / variant.setup.parallel.dp;
  int best = 0;
  double shortest = 0;
  for (int n = 1; n <= std::min(64, per_rank); ++n) {
    if (per_rank % n != 0) continue;
    variant.setup.micro_batch_size = n;
    const Outcome outcome = evaluate(variant, world);
    if (!outcome.fits) break;  // memory only grows
    if (best == 0 || outcome.step_s < shortest) best = n, shortest = outcome.step_s;
  }
  return best;
}

std::string describe(const Variant& variant) {
  std::string text =
      aforo::describe(LatticePlan{variant.setup, variant.cluster.n_devices, 0, 0, 0, 0, 0});
  if (variant.setup.method != Method::full)
    text = fmt::format("{} rank {}, {}", enum_name(variant.setup.method), variant.setup.lora.rank,
                       text);
  return text;
}

}  // namespace aforo::explain
