#include "planner/fast/setup_of_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "planner/base/error.h"

namespace aforo::fast {
namespace {

constexpr double gbit = 1e9 / 8;
constexpr double assumed_gbit_per_machine = 25;

bool full_precision(MatrixType type) {
  return type == MatrixType::fp32 || type == MatrixType::tf32;
}

/// Cards that are sold one by one and rented in machines with an ordinary network.
bool ordinary_network(const AcceleratorSpec& card) {
  if (!card.link.kind.starts_with("pcie")) return false;
  for (const char* server : {"a100", "h100", "h200"})
    if (card.name.starts_with(server)) return false;
  return true;
}

/// One device's share of what its host has, assumed: a DGX-2 reads its drives at 25.6 GB/s and two
/// Xeon 8168 update 10 billion parameters in 2.57 s, 28 bytes each (ZeRO-Infinity, figure 2b;
/// ZeRO-Offload, table 4). One drive gives 5 GB/s.
void set_host(Cluster& cluster) {
  constexpr double drives = 25.6e9, one_drive = 5e9, memory = 109e9;
  const double sharers = std::clamp(cluster.per_node, 1, 16);
  cluster.nvme_bandwidth = std::min(one_drive, drives / sharers);
  cluster.host_memory_bandwidth = memory / sharers;
}

/// Share of the parameters in embedding and head.
double table_share(const ModelSpec& model) {
  const ParameterCount count = count_parameters(model);
  return static_cast<double>(count.embedding + count.lm_head) / static_cast<double>(count.total());
}

/// Bytes of optimizer states per trained parameter where AdamW's two moments take `adamw`.
double optimizer_bytes(const Setup& setup, double adamw) {
  switch (setup.optimizer) {
    case OptimizerKind::adamw:
      return adamw;
    case OptimizerKind::adamw_8bit:
      return 2 * (1 + 4.0 / 256);  // an fp32 scale for each block of 256
    case OptimizerKind::sgd:
    case OptimizerKind::lion:
      return adamw / 2;
    case OptimizerKind::adafactor:
      return 4.0 * 2 / setup.model->d_model;  // (r + c) / (r c) of matrices d_model wide, fp32
    case OptimizerKind::muon:
      return adamw / 2 * (1 + table_share(*setup.model));
  }
  return adamw;
}

/// What depends on engine, method and type at once.
void set_states(Setup& setup, const EngineSpec& engine) {
  const bool fp32 = full_precision(setup.matrix);
  setup.states = fp32 ? StateBytes{4, 4, 0, 8} : usual_states(engine);
  setup.frozen_bytes = setup.unquantized_bytes = fp32 ? 4 : 2;
  if (setup.method == Method::qlora) {
    setup.states = pure_16bit_states;     // adapters beside quantized weights are 16-bit
    setup.frozen_bytes = 0.5 + 4.0 / 64;  // NF4 with an fp32 scale per 64 elements
    setup.unquantized_bytes = 2;
  }
  // Megatron's recipes and engines with 16-bit gradients reduce in 16 bits.
  const bool narrow = engine.name.starts_with("megatron") || setup.states.gradient <= 2;
  setup.reduce_bytes = narrow && !fp32 ? 2 : 4;
  setup.states.states = optimizer_bytes(setup, setup.states.states);
}

/// A plan says per layer what is computed again; the fast form counts the layers of each sort.
RecomputeCounts recompute_of(const Plan& plan) {
  RecomputeCounts counts;
  const auto n = [&](Recompute kind) {
    return static_cast<int>(std::count(plan.recompute.begin(), plan.recompute.end(), kind));
  };
  counts.full_layers = n(Recompute::full);
  counts.norm = counts.activation = n(Recompute::selective) > 0;
  if (counts.norm) counts.plain_layers = n(Recompute::none);
  return counts;
}

}  // namespace

Setup setup_of(const TrainingJob& job, const Plan& plan, const EngineSpec& engine,
               const AcceleratorSpec& card) {
  Setup setup;
  setup.model = &job.model;
  setup.seq_len = job.seq_len;
  if (job.examples.padded()) {
    setup.examples = &job.examples;
    setup.variable_lengths = true;
  } else if (job.examples.given()) {
    setup.document_len =
        std::min(job.seq_len, static_cast<int>(job.examples.mean_by_token() + 0.5));
  }
  setup.global_batch_size = job.global_batch_size;
  setup.micro_batch_size = plan.micro_batch_size;
  setup.optimizer = job.optimizer.kind;
  setup.matrix = matrix_of(plan.precision);
  setup.method = job.method;
  setup.lora = job.lora;
  setup.parallel = plan.parallel;
  setup.offload_states = plan.offload_states;
  setup.offload_activations = plan.offload_activations;
  setup.recompute = recompute_of(plan);
  setup.device = limits_of(card);
  set_engine(setup, engine);
  return setup;
}

Cluster cluster_of(const AcceleratorSpec& card, int n_devices) {
  if (n_devices < 1)
    throw InputError(fmt::format("the number of devices is {}; expected 1 or more", n_devices));
  Cluster cluster;
  cluster.accelerator = &card;
  cluster.n_devices = n_devices;
  cluster.per_node = std::max(1, card.kind == "tpu" ? n_devices : card.per_node);
  const LinkSpec& link = card.link;
  cluster.intra_bandwidth =
      link.all_reduce.value > 0 ? link.all_reduce.value : 0.75 * link.bandwidth.value;
  cluster.inter_bandwidth = gbit * inter_gbit_per_device(card);
  set_host(cluster);
  return cluster;
}

Cluster cluster_of(const AcceleratorSpec& card, const MachineSpec& machine, int n_machines) {
  Cluster cluster = cluster_of(card, machine.count * n_machines);
  // NVLink racks and TPU slices reach beyond a host; other machines end at their case.
  if (card.per_node <= 16 && card.kind != "tpu") cluster.per_node = machine.count;
  set_host(cluster);
  const double usual = card.link.bandwidth.value;
  if (machine.link && usual > 0)
    cluster.intra_bandwidth *= std::min(1.0, machine.link->value / usual);
  cluster.inter_stated = machine.network.has_value();
  if (machine.network) cluster.inter_bandwidth = machine.network->value / machine.count;
  return cluster;
}

double inter_gbit_per_device(const AcceleratorSpec& card) {
  const std::string& name = card.name;
  if (name.starts_with("v100")) return 100.0 / std::max(1, card.per_node);
  if (name.starts_with("a100")) return 200;
  if (name.ends_with("300-sxm") || name == "gb300") return 800;
  if (ordinary_network(card)) return assumed_gbit_per_machine / std::max(1, card.per_node);
  return 400;
}

std::string network_note(const Cluster& cluster) {
  if (cluster.n_devices <= cluster.per_node) return "";
  const double rate = cluster.inter_bandwidth / gbit;  // of one device
  const int nodes = (cluster.n_devices + cluster.per_node - 1) / cluster.per_node;
  if (ordinary_network(*cluster.accelerator))
    return fmt::format("{} machines of {}: {:g} Gb/s a machine between them, assumed", nodes,
                       cluster.per_node, rate * cluster.per_node);
  return fmt::format("{} machines of {}: {:g} Gb/s a device between them, as usual for the card",
                     nodes, cluster.per_node, rate);
}

MatrixType usual_matrix(const AcceleratorSpec& card) {
  for (MatrixType type : {MatrixType::bf16, MatrixType::fp16})
    if (multiplies(card, type)) return type;
  return MatrixType::fp32;
}

MatrixType matrix_of(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return MatrixType::fp32;
    case Precision::tf32:
      return MatrixType::tf32;
    case Precision::fp16:
      return MatrixType::fp16;
    case Precision::bf16:
      return MatrixType::bf16;
    case Precision::fp8:
      return MatrixType::fp8;
    case Precision::fp4:
      return MatrixType::fp4;
  }
  return MatrixType::bf16;
}

bool multiplies(const AcceleratorSpec& card, MatrixType type) {
  constexpr const char* names[] = {"fp32", "tf32", "fp16", "bf16", "fp8", "fp4"};
  return type == MatrixType::fp32 || card.peak_dense.contains(names[static_cast<int>(type)]);
}

StateBytes usual_states(const EngineSpec& engine) {
  for (const char* sharded : {"torch", "transformers", "yafsdp", "maxtext"})
    if (engine.name == sharded) return fp32_sharded_states;
  if (engine.name == "deepspeed") return zero_states;
  if (engine.name == "llmq") return {2, 2, 2, 4};
  return mixed_states;
}

/// cuBLAS takes 32 MiB a handle since Hopper and 8.125 MiB before.
DeviceLimits limits_of(const AcceleratorSpec& card) {
  constexpr double mib = 1 << 20;
  DeviceLimits limits;
  limits.memory = static_cast<double>(card.usable_memory.value > 0 ? card.usable_memory.value
                                                                   : card.memory.value);
  limits.context = static_cast<double>(card.context_memory.value);
  limits.per_node = std::max(1, card.per_node);
  const std::string& capability = card.compute_capability;
  const bool old =
      card.vendor == "NVIDIA" && !capability.empty() && std::atof(capability.c_str()) < 9;
  limits.gemm_workspace = old ? 8.125 * mib : 32 * mib;
  return limits;
}

void set_matrix(Setup& setup, const EngineSpec& engine, MatrixType type) {
  setup.matrix = type;
  set_states(setup, engine);
}

void set_method(Setup& setup, const EngineSpec& engine, Method method, const LoraSpec& lora) {
  setup.method = method;
  setup.lora = lora;
  set_states(setup, engine);
}

void set_engine(Setup& setup, const EngineSpec& engine) {
  const bool before_flash = engine.name == "megatron-2022";
  setup.flash_attention = !before_flash;
  setup.dropout = before_flash;
  setup.parallel.sequence_parallel = setup.parallel.tp > 1 && !before_flash;
  setup.host_optimizer = engine.host_optimizer;
  setup.style = 0;
  set_states(setup, engine);
}

void use_8bit_optimizer(Setup& setup) {
  const double moments = setup.optimizer == OptimizerKind::sgd ? 1 : 2;
  setup.states.states = moments * (1 + 4.0 / 256);
}

}  // namespace aforo::fast
