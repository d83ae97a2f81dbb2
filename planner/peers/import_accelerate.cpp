#include <fmt/format.h>

#include "planner/peers/import.h"
#include "planner/peers/values.h"

namespace aforo {
namespace {

/// A key of fsdp_config with its prefix if it is there, else without.
std::string fsdp_key(const Importer& in, std::string_view key) {
  const std::string full = fmt::format("fsdp_config.fsdp_{}", key);
  return has_at(in.root(), full) ? full : fmt::format("fsdp_config.{}", key);
}

void take_fsdp(Importer& in) {
  in.take("distributed_type", "engine", "torch");
  const std::string strategy_key = fsdp_key(in, "sharding_strategy");
  const std::string strategy = text_at(in.root(), strategy_key);
  const std::string reshard = fsdp_key(in, "reshard_after_forward");
  if (strategy == "SHARD_GRAD_OP" || strategy == "2")
    in.take(strategy_key, "sharding", "zero2");
  else if (strategy.starts_with("HYBRID_SHARD"))
    in.take(strategy_key, "sharding", "hsdp");
  else if (truth_at(in.root(), reshard) == false)
    in.take(reshard, "sharding", "zero2");
  else
    in.take("distributed_type", "sharding", "fsdp");
  const std::string recompute = fsdp_key(in, "activation_checkpointing");
  if (truth_at(in.root(), recompute).value_or(false)) in.take(recompute, "recompute", "full");
  if (truth_at(in.root(), fsdp_key(in, "offload_params")).value_or(false))
    in.note("fsdp_offload_params: weights in host memory are not estimated");
}

void take_deepspeed_section(Importer& in) {
  in.take("distributed_type", "engine", "deepspeed");
  if (!in.take_zero_stage("deepspeed_config.zero_stage"))
    in.assume("sharding", "zero2", "accelerate's default where no zero_stage is named");
  if (text_at(in.root(), "deepspeed_config.offload_optimizer_device") == "cpu")
    in.take("deepspeed_config.offload_optimizer_device", "offload-states", "cpu");
  if (has_at(in.root(), "deepspeed_config.deepspeed_config_file"))
    in.note("deepspeed_config_file is another file: estimate from that one");
  in.take_number("deepspeed_config.gradient_clipping", "clip-norm");
}

}  // namespace

void import_accelerate(Importer& in, int n_devices) {
  const std::string type = text_at(in.root(), "distributed_type");
  if (type == "DEEPSPEED") {
    take_deepspeed_section(in);
  } else if (type == "FSDP") {
    take_fsdp(in);
  } else {
    in.assume("engine", "torch", "no sharding engine is named");
    in.assume("sharding", "ddp", "distributed_type is neither FSDP nor DEEPSPEED");
  }
  const std::string precision = text_at(in.root(), "mixed_precision");
  if (precision == "bf16" || precision == "fp16" || precision == "fp8")
    in.take("mixed_precision", "precision", precision);
  else
    in.assume("precision", "fp32", "mixed_precision is off");
  in.assume("micro-batch-size", "1", "the training script decides; give --micro-batch-size");
  in.set_batch(1, "deepspeed_config.gradient_accumulation_steps", n_devices);
  in.assume("recompute", "none", "the training script decides; give --recompute");
}

}  // namespace aforo
