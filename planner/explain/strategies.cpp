#include <fmt/format.h>

#include "planner/explain/judge.h"
#include "planner/explain/strategy.h"
#include "planner/fast/setup_of_job.h"

namespace aforo::explain {
namespace {

using fast::MatrixType;

template <MatrixType type>
void use_type(Variant& v, const World&) {
  fast::set_matrix(v.setup, *v.engine, type);
}

template <Sharding sharding>
void shard(Variant& v, const World&) {
  v.setup.parallel.sharding = sharding;
}

template <Method method>
void train(Variant& v, const World& world) {
  fast::set_method(v.setup, *v.engine, method, world.lora);
}

template <int factor>
void multiply_devices(Variant& v, const World&) {
  v.cluster = fast::cluster_of(*v.cluster.accelerator, factor * v.cluster.n_devices);
  v.setup.parallel.dp *= factor;
}

void use_16_bits(Variant& v, const World&) {
  fast::set_matrix(v.setup, *v.engine, fast::usual_matrix(*v.cluster.accelerator));
}
void recompute_selectively(Variant& v, const World&) {
  v.setup.recompute.norm = v.setup.recompute.activation = true;
}
void recompute_layers(Variant& v, const World&) {
  v.setup.recompute.full_layers = v.setup.model->n_layers;
}
void quantize_moments(Variant& v, const World&) { fast::use_8bit_optimizer(v.setup); }
void offload_states(Variant& v, const World&) { v.setup.offload_states = OffloadTo::cpu; }
void offload_to_nvme(Variant& v, const World&) { v.setup.offload_states = OffloadTo::nvme; }
void offload_activations(Variant& v, const World&) { v.setup.offload_activations = OffloadTo::cpu; }

std::string never(const Variant&) { return ""; }

template <MatrixType type>
std::string without_type(const Variant& v) {
  const AcceleratorSpec& card = *v.cluster.accelerator;
  if (fast::usual_matrix(card) == MatrixType::fp32)
    return fmt::format("{} multiplies in fp32 only", card.name);
  if (!fast::multiplies(card, type))
    return fmt::format("{} has no {}", card.name, type == MatrixType::tf32 ? "tf32" : "fp8");
  return "";
}
std::string on_one_device(const Variant& v) {
  return v.setup.parallel.dp > 1 ? "" : "one device has nobody to share states with";
}
std::string without_moments(const Variant& v) {
  return v.setup.optimizer == OptimizerKind::sgd ? "sgd keeps one moment, in fp32" : "";
}

bool drop_16_bits(Variant& v) {
  if (v.setup.matrix <= MatrixType::tf32) return false;
  fast::set_matrix(v.setup, *v.engine, MatrixType::fp32);
  return true;
}
bool drop_fp8(Variant& v) {
  if (v.setup.matrix < MatrixType::fp8) return false;
  fast::set_matrix(v.setup, *v.engine, fast::usual_matrix(*v.cluster.accelerator));
  return true;
}
bool drop_selective(Variant& v) {
  if (!v.setup.recompute.norm) return false;
  v.setup.recompute.norm = v.setup.recompute.activation = false;
  return true;
}
bool drop_full(Variant& v) {
  if (v.setup.recompute.full_layers == 0) return false;
  v.setup.recompute.full_layers = 0;
  return true;
}
template <Sharding sharding>
bool drop_sharding(Variant& v) {
  if (v.setup.parallel.sharding != sharding) return false;
  v.setup.parallel.sharding = Sharding::ddp;
  return true;
}
bool drop_fsdp(Variant& v) {
  return drop_sharding<Sharding::fsdp>(v) || drop_sharding<Sharding::hsdp>(v);
}
bool drop_offloaded_states(Variant& v) {
  if (v.setup.offload_states == OffloadTo::none) return false;
  v.setup.offload_states = OffloadTo::none;
  return true;
}
bool drop_offloaded_activations(Variant& v) {
  if (v.setup.offload_activations == OffloadTo::none) return false;
  v.setup.offload_activations = OffloadTo::none;
  return true;
}

constexpr Claim mixed{
    "up to 6x faster on GPUs, half the memory", "widely repeated; no measurement of 6x found",
    "PyTorch and NVIDIA, 2022: 1.5 to 5.5x over fp32 on 8 V100; master weights stay in fp32"};
constexpr Claim fp8{"twice the speed of 16 bits", "data sheets: the fp8 peak is twice the bf16 one",
                    "a peak, not a measurement of training"};
constexpr Claim checkpointing{
    "70 % less memory for 15 to 25 % more time", "widely repeated",
    "stas00/ml-engineering: 20 to 25 % less throughput, which is 25 to 33 % more time; layers' "
    "activations fall by 93 % at 32k tokens, states and logits not at all"};
constexpr Claim selective{
    checkpointing.text, checkpointing.source,
    "Korthikanti et al. 2022: selective recomputation keeps a fifth of the activations and saves "
    "over 90 % of the extra time"};
constexpr Claim zero{
    "models 10x larger, up to 10x faster", "DeepSpeed documentation",
    "speed against Megatron tensor parallelism alone, 100B on 400 V100; size with ZeRO-Offload"};
constexpr Claim zeropp{"4x less communication, up to 2.16x the speed of ZeRO-3",
                       "Wang et al. 2023, DeepSpeed ZeRO++",
                       "384 GPUs with 100 Gb/s a machine and small batches; needs 2 bytes a "
                       "parameter more in every machine"};
constexpr Claim fsdp{"15 to 20 % faster", "widely repeated; no source found",
                     "allenai/OLMo issue 762: a 1B model on 4 GPUs runs 4.6x slower than with DDP"};
constexpr Claim yafsdp{"10 to 25 % less time than FSDP (Yandex: up to 26 %)", "YaFSDP README",
                       "its 16 rows: 2.3 to 26.6 %, median 9.0 %; 64 to 256 A100, all rows of "
                       "10 % or more at 2,048 tokens"};
constexpr Claim eight_bit{"75 % less optimizer memory", "Dettmers et al. 2021",
                          "of the two moments; weights, masters and gradients are untouched"};
constexpr Claim offload{"models 10x larger on one device", "DeepSpeed documentation, ZeRO-Offload",
                        "13B on one V100; deepspeedai/DeepSpeed issue 3901: 2 to 4.7x slower"};
constexpr Claim lora{"10,000x fewer trained parameters, 3x less memory", "Hu et al. 2021",
                     "GPT-3 175B with rank 4 on query and value matrices"};
constexpr Claim qlora{"65B fine-tuned on one card of 48 GB", "Dettmers et al. 2023",
                      "NF4 weights, paged optimizer, layers computed again"};
constexpr Claim devices{"n times the devices, n times the speed", "linear scaling, often assumed",
                        "the batch per step stays; what a step costs once does not shrink"};
constexpr Claim nothing{"", "", ""};

constexpr Strategy table[] = {
    {"bf16_over_fp32", "16 bits over fp32", mixed, "", "", use_type<MatrixType::fp32>, use_16_bits,
     without_type<MatrixType::fp32>, judge_mixed_precision, drop_16_bits},
    {"bf16_over_tf32", "16 bits over tf32", mixed, "torch", "", use_type<MatrixType::tf32>,
     use_16_bits, without_type<MatrixType::tf32>, judge_over_tf32, nullptr},
    {"fp8", "fp8 over 16 bits", fp8, "torch", "", nullptr, use_type<MatrixType::fp8>,
     without_type<MatrixType::fp8>, judge_fp8, drop_fp8},
    {"recompute_selective", "recompute selective", selective, "", "", nullptr,
     recompute_selectively, never, judge_recompute, drop_selective},
    {"recompute_full", "recompute full", checkpointing, "", "", nullptr, recompute_layers, never,
     judge_recompute, drop_full},
    {"zero1", "ZeRO-1", zero, "deepspeed", "", nullptr, shard<Sharding::zero1>, on_one_device,
     judge_zero, drop_sharding<Sharding::zero1>},
    {"zero2", "ZeRO-2", zero, "deepspeed", "", nullptr, shard<Sharding::zero2>, on_one_device,
     judge_zero, drop_sharding<Sharding::zero2>},
    {"zero3", "ZeRO-3", zero, "deepspeed", "", nullptr, shard<Sharding::zero3>, on_one_device,
     judge_zero, drop_sharding<Sharding::zero3>},
    {"zeropp", "ZeRO++ over ZeRO-3", zeropp, "deepspeed", "", shard<Sharding::zero3>,
     shard<Sharding::zeropp>, on_one_device, judge_zeropp, drop_sharding<Sharding::zeropp>},
    {"fsdp", "FSDP", fsdp, "torch", "", nullptr, shard<Sharding::fsdp>, on_one_device, judge_fsdp,
     drop_fsdp},
    {"yafsdp", "YaFSDP over FSDP", yafsdp, "yafsdp", "torch", shard<Sharding::fsdp>,
     shard<Sharding::yafsdp>, on_one_device, judge_yafsdp, drop_sharding<Sharding::yafsdp>},
    {"optimizer_8bit", "8-bit optimizer", eight_bit, "torch", "", nullptr, quantize_moments,
     without_moments, judge_8bit_optimizer, nullptr},
    {"offload_states", "optimizer on the host", offload, "deepspeed", "", nullptr, offload_states,
     never, judge_offload_states, drop_offloaded_states},
    {"offload_nvme", "optimizer on NVMe", nothing, "deepspeed", "", offload_states, offload_to_nvme,
     never, judge_offload_nvme, nullptr},
    {"offload_activations", "activations on the host", nothing, "torch", "", nullptr,
     offload_activations, never, judge_offload_activations, drop_offloaded_activations},
    {"lora", "LoRA over full", lora, "torch", "", train<Method::full>, train<Method::lora>, never,
     judge_lora, nullptr},
    {"qlora", "QLoRA over full", qlora, "torch", "", train<Method::full>, train<Method::qlora>,
     never, judge_qlora, nullptr},
    {"devices_x2", "2x the devices", devices, "torch", "", nullptr, multiply_devices<2>, never,
     judge_more_devices, nullptr},
    {"devices_x4", "4x the devices", devices, "torch", "", nullptr, multiply_devices<4>, never,
     judge_more_devices, nullptr},
};

}  // namespace

std::string_view name_of(VerdictKind kind) {
  constexpr std::string_view names[] = {"holds", "partly", "fails", "unclaimed", "undecided"};
  return names[static_cast<int>(kind)];
}

std::span<const Strategy> strategies() { return table; }

const Strategy* find_strategy(std::string_view name) {
  for (const Strategy& strategy : table)
    if (strategy.name == name) return &strategy;
  return nullptr;
}

}  // namespace aforo::explain
