#include "planner/peers/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "planner/base/text.h"
#include "planner/peers/batch_file.h"
#include "planner/peers/values.h"

namespace aforo {
namespace {

constexpr const char* zero_names[] = {"ddp", "zero1", "zero2", "zero3"};

/// By the names that trainers give optimizers; "" for what has no word here.
std::string optimizer_word(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  if (name.find("8bit") != std::string::npos && name.find("adam") != std::string::npos)
    return "adamw_8bit";
  for (const char* word : {"lion", "muon", "adafactor", "sgd"})
    if (name.find(word) != std::string::npos) return word;
  return name.find("adam") != std::string::npos ? "adamw" : "";
}

void take_optimizer(Importer& in, std::string_view path) {
  const std::string name = text_at(in.root(), path);
  if (name.empty() || name == "auto") return;
  if (const std::string word = optimizer_word(name); !word.empty())
    in.take(path, "optimizer", word);
  else
    in.note(fmt::format("optimizer {} is not known here; adamw stands in", shown(name)));
}

void take_number(Importer& in, std::string_view path, std::string_view option) {
  if (const auto value = number_at(in.root(), path); value && *value >= 0)
    in.take(path, option, fmt::format("{}", *value));
}

/// Batch of a step from micro-batch, accumulation and devices.
void set_batch(Importer& in, std::int64_t micro, std::optional<std::int64_t> accum,
               const std::string& accum_key, int n_devices) {
  if (in.has("global-batch-size") || n_devices < 1) return;
  const std::int64_t total = micro * accum.value_or(1) * n_devices;
  const std::string text = std::to_string(total);
  if (accum)
    in.take(accum_key, "global-batch-size", text);
  else
    in.assume("global-batch-size", text, "no accumulation is named: 1 micro-step");
}

void import_deepspeed(Importer& in, int n_devices) {
  const YamlNode& root = in.root();
  in.take_at("engine", "deepspeed", place_at(root, ""), "the file is DeepSpeed's");
  const auto stage = number_at(root, "zero_optimization.stage");
  if (stage && *stage >= 0 && *stage <= 3)
    in.take("zero_optimization.stage", "sharding", zero_names[static_cast<int>(*stage)]);
  else
    in.assume("sharding", "ddp", "no ZeRO stage is named");
  const bool fp16 = truth_at(root, "fp16.enabled").value_or(false);
  const bool bf16 = truth_at(root, "bf16.enabled").value_or(false);
  if (fp16 || bf16)
    in.take(bf16 ? "bf16.enabled" : "fp16.enabled", "precision", bf16 ? "bf16" : "fp16");
  else if (text_at(root, "bf16.enabled") == "auto" || text_at(root, "fp16.enabled") == "auto")
    in.assume("precision", "bf16", "\"auto\": the Trainer decides");
  else
    in.assume("precision", "fp32", "neither bf16 nor fp16 is enabled");
  const std::string where = text_at(root, "zero_optimization.offload_optimizer.device");
  if (where == "cpu" || where == "nvme")
    in.take("zero_optimization.offload_optimizer", "offload-states", "cpu");
  if (where == "nvme") in.note("states on nvme are estimated as in host memory: too fast");
  const std::string weights = text_at(root, "zero_optimization.offload_param.device");
  if (weights == "cpu" || weights == "nvme")
    in.note("offload_param: weights in host memory are not estimated; memory is less, time more");

  const auto total = in.count("train_batch_size");
  const auto accum = in.count("gradient_accumulation_steps");
  auto micro = in.count("train_micro_batch_size_per_gpu");
  if (total) in.take("train_batch_size", "global-batch-size", std::to_string(*total));
  if (micro) {
    in.take("train_micro_batch_size_per_gpu", "micro-batch-size", std::to_string(*micro));
  } else if (total && n_devices > 0 && *total % (accum.value_or(1) * n_devices) == 0) {
    micro = *total / (accum.value_or(1) * n_devices);
    in.take("train_batch_size", "micro-batch-size", std::to_string(*micro));
  } else {
    micro = 1;
    in.assume("micro-batch-size", "1", "the file does not say or says \"auto\"");
  }
  set_batch(in, *micro, accum, "gradient_accumulation_steps", n_devices);
  take_optimizer(in, "optimizer.type");
  take_number(in, "optimizer.params.lr", "learning-rate");
  take_number(in, "gradient_clipping", "clip-norm");
  in.assume("recompute", "none", "the model's code decides; give --recompute");
}

void import_accelerate(Importer& in, int n_devices) {
  const YamlNode& root = in.root();
  const std::string type = text_at(root, "distributed_type");
  const auto either = [&](std::string_view key) {
    const std::string full = fmt::format("fsdp_config.fsdp_{}", key);
    return has_at(root, full) ? full : fmt::format("fsdp_config.{}", key);
  };
  bool recompute = false;
  if (type == "DEEPSPEED") {
    in.take("distributed_type", "engine", "deepspeed");
    const auto stage = number_at(root, "deepspeed_config.zero_stage");
    if (stage && *stage >= 0 && *stage <= 3)
      in.take("deepspeed_config.zero_stage", "sharding", zero_names[static_cast<int>(*stage)]);
    else
      in.assume("sharding", "zero2", "accelerate's default where no zero_stage is named");
    if (text_at(root, "deepspeed_config.offload_optimizer_device") == "cpu")
      in.take("deepspeed_config.offload_optimizer_device", "offload-states", "cpu");
    if (has_at(root, "deepspeed_config.deepspeed_config_file"))
      in.note("deepspeed_config_file is another file: estimate from that one");
    take_number(in, "deepspeed_config.gradient_clipping", "clip-norm");
  } else if (type == "FSDP") {
    in.take("distributed_type", "engine", "torch");
    const std::string strategy = text_at(root, either("sharding_strategy"));
    const std::string reshard = either("reshard_after_forward");
    if (strategy == "SHARD_GRAD_OP" || strategy == "2")
      in.take(either("sharding_strategy"), "sharding", "zero2");
    else if (strategy.starts_with("HYBRID_SHARD"))
      in.take(either("sharding_strategy"), "sharding", "hsdp");
    else if (truth_at(root, reshard) == false)
      in.take(reshard, "sharding", "zero2");
    else
      in.take("distributed_type", "sharding", "fsdp");
    recompute = truth_at(root, either("activation_checkpointing")).value_or(false);
    if (truth_at(root, either("offload_params")).value_or(false))
      in.note("fsdp_offload_params: weights in host memory are not estimated");
  } else {
    in.assume("engine", "torch", "no sharding engine is named");
    in.assume("sharding", "ddp", "distributed_type is neither FSDP nor DEEPSPEED");
  }
  const std::string precision = text_at(root, "mixed_precision");
  if (precision == "bf16" || precision == "fp16" || precision == "fp8")
    in.take("mixed_precision", "precision", precision);
  else
    in.assume("precision", "fp32", "mixed_precision is off");
  in.assume("micro-batch-size", "1", "the training script decides; give --micro-batch-size");
  const auto accum = in.count("deepspeed_config.gradient_accumulation_steps");
  set_batch(in, 1, accum, "deepspeed_config.gradient_accumulation_steps", n_devices);
  if (recompute)
    in.take(either("activation_checkpointing"), "recompute", "full");
  else
    in.assume("recompute", "none", "the training script decides; give --recompute");
}

void axolotl_sharding(Importer& in) {
  const YamlNode& root = in.root();
  const std::string deepspeed = text_at(root, "deepspeed");
  if (!deepspeed.empty()) {
    in.take("deepspeed", "engine", "deepspeed");
    for (int stage = 3; stage >= 1; --stage)
      if (deepspeed.find(fmt::format("zero{}", stage)) != std::string::npos)
        return in.take("deepspeed", "sharding", zero_names[stage]);
    return in.assume("sharding", "zero2", "the ZeRO stage stands in the file of deepspeed");
  }
  if (has_at(root, "fsdp_config") || has_at(root, "fsdp")) {
    const char* key = has_at(root, "fsdp_config") ? "fsdp_config" : "fsdp";
    in.take(key, "engine", "transformers");
    return in.take(key, "sharding", "fsdp");
  }
  in.take_at("engine", "transformers", place_at(root, ""), "axolotl stands on the Trainer");
  in.assume("sharding", "ddp", "neither deepspeed nor FSDP is configured");
}

void import_axolotl(Importer& in, int n_devices) {
  const YamlNode& root = in.root();
  axolotl_sharding(in);
  const std::string adapter = text_at(root, "adapter");
  if (adapter == "lora" || adapter == "qlora") in.take("adapter", "method", adapter);
  if (const auto rank = in.count("lora_r"); rank && !adapter.empty())
    in.take("lora_r", "lora-rank", std::to_string(*rank));
  if (const auto length = in.count("sequence_len"))
    in.take("sequence_len", "seq-len", std::to_string(*length));
  const std::string bf16 = text_at(root, "bf16");
  if (truth_at(root, "bf16").value_or(false) || bf16 == "auto" || bf16 == "full")
    in.take("bf16", "precision", "bf16");
  else if (truth_at(root, "fp16").value_or(false))
    in.take("fp16", "precision", "fp16");
  else
    in.assume("precision", "bf16", "neither bf16 nor fp16 is on");
  const auto micro = in.count("micro_batch_size");
  if (micro)
    in.take("micro_batch_size", "micro-batch-size", std::to_string(*micro));
  else
    in.assume("micro-batch-size", "1", "axolotl's default");
  set_batch(in, micro.value_or(1), in.count("gradient_accumulation_steps"),
            "gradient_accumulation_steps", n_devices);
  take_optimizer(in, "optimizer");
  take_number(in, "learning_rate", "learning-rate");
  take_number(in, "max_grad_norm", "clip-norm");
  if (const auto steps = in.count("max_steps"))
    in.take("max_steps", "steps", std::to_string(*steps));
  const std::string checkpointing = text_at(root, "gradient_checkpointing");
  if (truth_at(root, "gradient_checkpointing").value_or(false) || checkpointing == "offload")
    in.take("gradient_checkpointing", "recompute", "full");
  else if (truth_at(root, "fsdp_config.activation_checkpointing").value_or(false))
    in.take("fsdp_config.activation_checkpointing", "recompute", "full");
  else
    in.assume("recompute", "none", "gradient_checkpointing is off");
  if (text_at(root, "base_model").empty()) return;
  in.note(fmt::format("base_model {}: give its name here with --model",
                      shown(text_at(root, "base_model"))));
}

void import_sbatch(Importer& in) {
  import_commands(in);
  const ImportedSetting* engine = in.plan().find("engine");
  if (engine != nullptr && engine->value == "deepspeed" && !in.has("sharding"))
    in.assume("sharding", "zero2", "the ZeRO stage stands in another file; give --sharding");
  if (!in.has("recompute")) in.assume("recompute", "none", "no command says; give --recompute");
}

/// Devices that the file itself asks for.
int devices_of(const PeerFile& file) {
  if (file.kind == PeerKind::sbatch) return static_cast<int>(batch_devices(file.batch).total);
  if (file.kind != PeerKind::accelerate) return 0;
  const auto n = number_at(*file.root, "num_processes");
  return n && *n >= 1 && *n <= 100000 ? static_cast<int>(*n) : 0;
}

}  // namespace

const ImportedSetting* ImportedPlan::find(std::string_view option) const {
  const auto found = std::find_if(settings.begin(), settings.end(),
                                  [&](const ImportedSetting& s) { return s.option == option; });
  return found == settings.end() ? nullptr : &*found;
}

void Importer::take(std::string_view path, std::string_view option, const std::string& value) {
  const std::string text = text_at(root(), path);
  take_at(option, value, place_at(root(), path),
          text.empty() ? std::string(path) : fmt::format("{} is {}", path, shown(text)));
}

void Importer::take_at(std::string_view option, const std::string& value, const std::string& place,
                       const std::string& why) {
  if (!has(option)) plan_.settings.push_back({std::string(option), value, place, why});
}

void Importer::assume(std::string_view option, const std::string& value, const std::string& why) {
  take_at(option, value, "", why);
}

std::optional<std::int64_t> Importer::count(std::string_view path) const {
  const auto value = number_at(root(), path);
  if (!value) return std::nullopt;
  if (*value < 1 || *value > (1 << 27) || std::floor(*value) != *value)
    value_at(root(), path)
        ->fail(fmt::format("{} is {}; expected a whole number of 1 to {}", path, *value, 1 << 27));
  return static_cast<std::int64_t>(*value);
}

ImportedPlan import_plan(const PeerFile& file, int n_devices) {
  ImportedPlan plan;
  plan.n_devices = devices_of(file);
  if (n_devices == 0) n_devices = std::max(1, plan.n_devices);
  Importer in(file, plan);
  switch (file.kind) {
    case PeerKind::accelerate:
      import_accelerate(in, n_devices);
      break;
    case PeerKind::axolotl:
      import_axolotl(in, n_devices);
      break;
    case PeerKind::deepspeed:
      import_deepspeed(in, n_devices);
      break;
    case PeerKind::sbatch:
      import_sbatch(in);
      break;
  }
  return plan;
}

}  // namespace aforo
