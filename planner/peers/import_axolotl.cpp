#include <fmt/format.h>

#include "planner/base/text.h"
#include "planner/peers/import.h"
#include "planner/peers/values.h"

namespace aforo {
namespace {

void take_axolotl_sharding(Importer& in) {
  const YamlNode& root = in.root();
  const std::string deepspeed = text_at(root, "deepspeed");
  if (!deepspeed.empty()) {
    in.take("deepspeed", "engine", "deepspeed");
    for (const char* stage : {"zero3", "zero2", "zero1"})
      if (deepspeed.find(stage) != std::string::npos) in.take("deepspeed", "sharding", stage);
    in.assume("sharding", "zero2", "the ZeRO stage stands in the file of deepspeed");
    return;
  }
  if (has_at(root, "fsdp_config") || has_at(root, "fsdp")) {
    const char* key = has_at(root, "fsdp_config") ? "fsdp_config" : "fsdp";
    in.take(key, "engine", "transformers");
    in.take(key, "sharding", "fsdp");
    return;
  }
  in.take_at("engine", "transformers", place_at(root, ""), "axolotl stands on the Trainer");
  in.assume("sharding", "ddp", "neither deepspeed nor FSDP is configured");
}

void take_axolotl_types(Importer& in) {
  const YamlNode& root = in.root();
  const std::string bf16 = text_at(root, "bf16");
  if (truth_at(root, "bf16").value_or(false) || bf16 == "auto" || bf16 == "full")
    in.take("bf16", "precision", "bf16");
  else if (truth_at(root, "fp16").value_or(false))
    in.take("fp16", "precision", "fp16");
  else
    in.assume("precision", "bf16", "neither bf16 nor fp16 is on");
}

void take_axolotl_method(Importer& in) {
  const std::string adapter = text_at(in.root(), "adapter");
  if (adapter == "lora" || adapter == "qlora") in.take("adapter", "method", adapter);
  if (const auto rank = in.count("lora_r"); rank && !adapter.empty())
    in.take("lora_r", "lora-rank", std::to_string(*rank));
}

void take_axolotl_recompute(Importer& in) {
  const std::string checkpointing = text_at(in.root(), "gradient_checkpointing");
  if (truth_at(in.root(), "gradient_checkpointing").value_or(false) ||
      checkpointing.starts_with("offload"))
    in.take("gradient_checkpointing", "recompute", "full");
  else if (truth_at(in.root(), "fsdp_config.activation_checkpointing").value_or(false))
    in.take("fsdp_config.activation_checkpointing", "recompute", "full");
  else
    in.assume("recompute", "none", "gradient_checkpointing is off");
}

}  // namespace

void import_axolotl(Importer& in, int n_devices) {
  take_axolotl_sharding(in);
  take_axolotl_method(in);
  if (const auto length = in.count("sequence_len"))
    in.take("sequence_len", "seq-len", std::to_string(*length));
  take_axolotl_types(in);
  const auto micro = in.count("micro_batch_size");
  if (micro)
    in.take("micro_batch_size", "micro-batch-size", std::to_string(*micro));
  else
    in.assume("micro-batch-size", "1", "axolotl's default");
  in.set_batch(micro.value_or(1), "gradient_accumulation_steps", n_devices);
  in.take_optimizer("optimizer");
  in.take_number("learning_rate", "learning-rate");
  in.take_number("max_grad_norm", "clip-norm");
  if (const auto steps = in.count("max_steps"))
    in.take("max_steps", "steps", std::to_string(*steps));
  take_axolotl_recompute(in);
  const std::string model = text_at(in.root(), "base_model");
  if (!model.empty())
    in.note(fmt::format("base_model {}: give its name here with --model", shown(model)));
}

}  // namespace aforo
