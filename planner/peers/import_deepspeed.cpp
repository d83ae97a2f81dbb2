#include <fmt/format.h>

#include "planner/peers/import.h"
#include "planner/peers/values.h"

namespace aforo {
namespace {

void take_deepspeed_types(Importer& in) {
  const YamlNode& root = in.root();
  if (truth_at(root, "bf16.enabled").value_or(false))
    in.take("bf16.enabled", "precision", "bf16");
  else if (truth_at(root, "fp16.enabled").value_or(false))
    in.take("fp16.enabled", "precision", "fp16");
  else if (text_at(root, "bf16.enabled") == "auto" || text_at(root, "fp16.enabled") == "auto")
    in.assume("precision", "bf16", "\"auto\": the Trainer decides");
  else
    in.assume("precision", "fp32", "neither bf16 nor fp16 is enabled");
}

void take_deepspeed_offload(Importer& in) {
  const YamlNode& root = in.root();
  const std::string states = text_at(root, "zero_optimization.offload_optimizer.device");
  if (states == "cpu" || states == "nvme")
    in.take("zero_optimization.offload_optimizer", "offload-states", "cpu");
  if (states == "nvme") in.note("states on nvme are estimated as in host memory: too fast");
  const std::string weights = text_at(root, "zero_optimization.offload_param.device");
  if (weights == "cpu" || weights == "nvme")
    in.note("offload_param: weights in host memory are not estimated; memory is less, time more");
}

void take_deepspeed_batch(Importer& in, int n_devices) {
  const auto total = in.count("train_batch_size");
  auto micro = in.count("train_micro_batch_size_per_gpu");
  if (total) in.take("train_batch_size", "global-batch-size", std::to_string(*total));
  const std::int64_t steps = in.count("gradient_accumulation_steps").value_or(1) * n_devices;
  if (micro) {
    in.take("train_micro_batch_size_per_gpu", "micro-batch-size", std::to_string(*micro));
  } else if (total && *total % steps == 0) {
    micro = *total / steps;
    in.take("train_batch_size", "micro-batch-size", std::to_string(*micro));
  } else {
    micro = 1;
    in.assume("micro-batch-size", "1", "the file does not say or says \"auto\"");
  }
  in.set_batch(*micro, "gradient_accumulation_steps", n_devices);
}

}  // namespace

void import_deepspeed(Importer& in, int n_devices) {
  in.take_at("engine", "deepspeed", place_at(in.root(), ""), "the file is DeepSpeed's");
  if (!in.take_zero_stage("zero_optimization.stage"))
    in.assume("sharding", "ddp", "no ZeRO stage is named");
  take_deepspeed_types(in);
  take_deepspeed_offload(in);
  take_deepspeed_batch(in, n_devices);
  in.take_optimizer("optimizer.type");
  in.take_number("optimizer.params.lr", "learning-rate");
  in.take_number("gradient_clipping", "clip-norm");
  in.assume("recompute", "none", "the model's code decides; give --recompute");
}

}  // namespace aforo
