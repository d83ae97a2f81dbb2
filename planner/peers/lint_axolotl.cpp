// Rules of axolotl 0.19.0, whose schema takes unknown keys silently.

#include <fmt/format.h>

#include "planner/peers/lint.h"
#include "planner/peers/values.h"

namespace aforo {
namespace {

/// Of the Trainer, LLaMA-Factory and PEFT.
constexpr OtherWord trainer_words[] = {{"cutoff_len", "sequence_len"},
                                       {"lora_rank", "lora_r"},
                                       {"lr", "learning_rate"},
                                       {"lr_scheduler_type", "lr_scheduler"},
                                       {"max_seq_length", "sequence_len"},
                                       {"num_train_epochs", "num_epochs"},
                                       {"optim", "optimizer"},
                                       {"per_device_train_batch_size", "micro_batch_size"},
                                       {"quantization_bit", "load_in_4bit"}};

/// bf16 may be "auto", which counts as on.
bool is_on(const YamlNode& root, std::string_view key) {
  return truth_at(root, key).value_or(false) || text_at(root, key) == "auto" ||
         text_at(root, key) == "full";
}

void check_adapter(Linter& lint) {
  const YamlNode& root = lint.root();
  const std::string adapter = text_at(root, "adapter");
  const bool four = is_on(root, "load_in_4bit"), eight = is_on(root, "load_in_8bit");
  if (adapter.empty() && (four || eight))
    lint.report(four ? "load_in_4bit" : "load_in_8bit", Severity::error, "contradiction",
                "quantized weights cannot be trained; set adapter: qlora, or load in 16 bits");
  if (adapter == "qlora" && !four)
    lint.report("adapter", Severity::error, "contradiction",
                "adapter qlora needs load_in_4bit: true");
  if (adapter == "lora" && four)
    lint.report("load_in_4bit", Severity::error, "contradiction",
                "adapter lora with load_in_4bit; that is adapter: qlora");
  if (four && eight)
    lint.report("load_in_8bit", Severity::error, "contradiction",
                "load_in_4bit and load_in_8bit are both on");
  for (const char* key :
       {"lora_r", "lora_alpha", "lora_dropout", "lora_target_linear", "lora_target_modules"})
    if (adapter.empty() && has_at(root, key))
      lint.report(key, Severity::warning, "ignored",
                  fmt::format("{} does nothing without adapter: lora or qlora", key));
  if ((adapter == "lora" || adapter == "qlora") && !has_at(root, "lora_target_linear") &&
      !has_at(root, "lora_target_modules") && !has_at(root, "lora_target_parameters"))
    lint.report("adapter", Severity::error, "missing",
                "no matrices get adapters; set lora_target_linear: true or lora_target_modules");
}

void check_sizes(Linter& lint) {
  const YamlNode& root = lint.root();
  if (has_at(root, "batch_size") && has_at(root, "gradient_accumulation_steps"))
    lint.report("batch_size", Severity::error, "contradiction",
                "batch_size and gradient_accumulation_steps say the same thing twice; give one of "
                "them");
  for (const char* key : {"micro_batch_size", "gradient_accumulation_steps", "sequence_len"})
    if (const auto value = number_at(root, key); value && *value < 1)
      lint.report(key, Severity::error, "value",
                  fmt::format("{} is {}; expected at least 1", key, *value));
  if (is_on(root, "sample_packing") && !has_at(root, "attn_implementation") &&
      !is_on(root, "flash_attention") && !is_on(root, "flex_attention") &&
      !is_on(root, "xformers_attention") && !is_on(root, "sdp_attention"))
    lint.report("sample_packing", Severity::warning, "contradiction",
                "packed samples see each other without an attention backend that separates them; "
                "set attn_implementation: flash_attention_2");
}

void check_types_and_sharding(Linter& lint) {
  const YamlNode& root = lint.root();
  if (truth_at(root, "bf16").value_or(false) && truth_at(root, "fp16").value_or(false))
    lint.report("fp16", Severity::error, "contradiction", "bf16 and fp16 are both on");
  const bool fsdp = has_at(root, "fsdp_config") || has_at(root, "fsdp");
  if (fsdp && !text_at(root, "deepspeed").empty())
    lint.report("deepspeed", Severity::error, "contradiction",
                "deepspeed and FSDP are both configured; keep one of them");
  if (truth_at(root, "fsdp_config.activation_checkpointing").value_or(false) &&
      is_on(root, "gradient_checkpointing"))
    lint.report("gradient_checkpointing", Severity::error, "contradiction",
                "gradient_checkpointing and fsdp_config.activation_checkpointing recompute twice; "
                "keep the latter");
  if (has_at(root, "fsdp"))
    lint.report("fsdp", Severity::warning, "deprecated",
                "fsdp as a list is FSDP1's; write fsdp_version: 2 and fsdp_config");
}

}  // namespace

void lint_axolotl(Linter& lint) {
  lint.unknown_keys("", lint.keys().keys, Severity::warning, "ignores it silently", trainer_words);
  std::vector<std::string> fsdp = lint.keys().sections.at("fsdp_config");
  for (const std::string& key : lint.keys().sections.at("fsdp_config"))
    if (!key.starts_with("fsdp_")) fsdp.push_back("fsdp_" + key);  // of files for FSDP1
  lint.unknown_keys("fsdp_config", fsdp, Severity::warning, "ignores it silently");
  for (const char* key : {"base_model", "learning_rate"})
    if (!has_at(lint.root(), key))
      lint.report("", Severity::error, "missing", fmt::format("{} is missing", key));
  if (!has_at(lint.root(), "datasets") && !has_at(lint.root(), "pretraining_dataset"))
    lint.report("", Severity::error, "missing", "datasets or pretraining_dataset is missing");
  check_adapter(lint);
  check_sizes(lint);
  check_types_and_sharding(lint);
}

}  // namespace aforo
