// Rules of deepspeed/runtime/config.py and its pydantic models (0.19.8), and what DeepSpeed reads
// without acting on it.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "planner/base/text.h"
#include "planner/peers/lint.h"
#include "planner/peers/values.h"

namespace aforo {
namespace {

constexpr std::string_view removed_keys[] = {"nebula",
                                             "compression_training",
                                             "amp",
                                             "quantize_training",
                                             "sparse_gradients",
                                             "eigenvalue",
                                             "sparse_attention",
                                             "elasticity",
                                             "graph_harvesting",
                                             "curriculum_learning",
                                             "progressive_layer_drop",
                                             "zero_optimization.mics_shard_size",
                                             "zero_optimization.mics_hierarchical_params_gather",
                                             "zero_optimization.zeropp_loco_param"};

constexpr std::pair<std::string_view, std::string_view> replaced_keys[] = {
    {"cpu_offload", "offload_optimizer: {device: cpu}"},
    {"cpu_offload_param", "offload_param: {device: cpu}"},
    {"cpu_offload_use_pin_memory", "pin_memory in offload_optimizer and offload_param"},
    {"stage3_gather_fp16_weights_on_model_save", "stage3_gather_16bit_weights_on_model_save"}};

void check_keys(Linter& lint) {
  std::vector<std::string> known = lint.keys().keys;
  known.emplace_back("_aforo");  // the plan's numbers in our own exports
  for (const std::string_view key : removed_keys)
    if (key.find('.') == std::string_view::npos) known.emplace_back(key);
  lint.unknown_keys("", known, Severity::warning, "ignores it silently");
  for (const auto& [section, keys] : lint.keys().sections) {
    std::vector<std::string> names = keys;
    for (const std::string_view key : removed_keys)
      if (key.starts_with(section + ".")) names.emplace_back(key.substr(section.size() + 1));
    const bool free = section == "activation_checkpointing";
    lint.unknown_keys(section, names, free ? Severity::warning : Severity::error,
                      free ? "ignores it silently" : "refuses it");
  }
  for (const std::string_view key : removed_keys)
    if (has_at(lint.root(), key))
      lint.report(key, Severity::error, "deprecated",
                  fmt::format("{} was removed from DeepSpeed, which refuses it; delete it", key));
  for (const auto& [key, now] : replaced_keys) {
    const std::string path = fmt::format("zero_optimization.{}", key);
    if (has_at(lint.root(), path))
      lint.report(path, Severity::warning, "deprecated",
                  fmt::format("{} is deprecated; write {}", key, now));
  }
}

bool enabled(const YamlNode& root, std::string_view section) {
  return truth_at(root, fmt::format("{}.enabled", section)).value_or(false);
}

void check_batch(Linter& lint) {
  const YamlNode& root = lint.root();
  const auto total = number_at(root, "train_batch_size");
  const auto micro = number_at(root, "train_micro_batch_size_per_gpu");
  const auto accum = number_at(root, "gradient_accumulation_steps");
  for (const char* key :
       {"train_batch_size", "train_micro_batch_size_per_gpu", "gradient_accumulation_steps"}) {
    const auto value = number_at(root, key);
    if (value && (*value < 1 || std::floor(*value) != *value))
      lint.report(key, Severity::error, "value",
                  fmt::format("{} is {}; expected a whole number above 0", key, *value));
  }
  if (!has_at(root, "train_batch_size") && !has_at(root, "train_micro_batch_size_per_gpu"))
    lint.report("", Severity::error, "missing",
                "neither train_batch_size nor train_micro_batch_size_per_gpu is there; DeepSpeed "
                "needs one of them");
  if (!total || !micro || *total < 1 || *micro < 1) return;
  const double per_device = *micro * accum.value_or(1);
  const int n = lint.n_devices();
  if (n > 0 && accum && *total != per_device * n)
    lint.report("train_batch_size", Severity::error, "contradiction",
                fmt::format("train_batch_size is {}, but micro {} x accumulation {} x {} devices = "
                            "{}; write that, or leave train_batch_size out",
                            *total, *micro, *accum, n, per_device * n));
  else if (std::fmod(*total, per_device) != 0)
    lint.report("train_batch_size", Severity::error, "contradiction",
                fmt::format("train_batch_size is {}, which micro {} x accumulation {} = {} does "
                            "not divide on any number of devices",
                            *total, *micro, accum.value_or(1), per_device));
}

void check_stage(Linter& lint) {
  const YamlNode& root = lint.root();
  const auto zero = value_at(root, "zero_optimization");
  if (zero && !zero->is_map()) {
    lint.report("zero_optimization", Severity::error, "deprecated",
                "zero_optimization is no section; write {\"stage\": 1}");
    return;
  }
  const auto stage_value = number_at(root, "zero_optimization.stage");
  const double stage = stage_value.value_or(0);
  if (stage_value && (stage < 0 || stage > 3 || std::floor(stage) != stage))
    lint.report("zero_optimization.stage", Severity::error, "value",
                fmt::format("stage is {}; expected 0, 1, 2 or 3", *stage_value));
  if (!zero) return;
  const auto device = [&](const char* key) {
    return text_at(root, fmt::format("zero_optimization.{}.device", key));
  };
  const auto offloads = [](const std::string& where) { return where == "cpu" || where == "nvme"; };
  if (stage == 0 && offloads(device("offload_optimizer")))
    lint.report("zero_optimization.offload_optimizer", Severity::error, "contradiction",
                fmt::format("offload_optimizer to {} under stage 0, which offloads nothing; set "
                            "stage 1 to 3",
                            device("offload_optimizer")));
  if (stage < 3 && offloads(device("offload_param")))
    lint.report("zero_optimization.offload_param", Severity::error, "contradiction",
                fmt::format("offload_param to {} under stage {}; parameters are offloaded by stage "
                            "3 only",
                            device("offload_param"), stage));
  for (const char* key : {"offload_optimizer", "offload_param"})
    if (device(key) == "nvme" &&
        text_at(root, fmt::format("zero_optimization.{}.nvme_path", key)).empty())
      lint.report(fmt::format("zero_optimization.{}", key), Severity::error, "missing",
                  fmt::format("{} to nvme needs nvme_path", key));
  const auto ratio = number_at(root, "zero_optimization.offload_optimizer.ratio");
  if (ratio && *ratio < 1 && stage != 3)
    lint.report(
        "zero_optimization.offload_optimizer.ratio", Severity::error, "contradiction",
        fmt::format("ratio {} under stage {}; a part is offloaded by stage 3 only", *ratio, stage));
  for (const std::string& key : zero->keys())
    if (stage < 3 && key.starts_with("stage3_"))
      lint.report("zero_optimization." + key, Severity::warning, "ignored",
                  fmt::format("{} under stage {} does nothing; it belongs to stage 3", key, stage));
}

void check_types(Linter& lint) {
  const YamlNode& root = lint.root();
  const std::string bf16 = has_at(root, "bfloat16") ? "bfloat16" : "bf16";
  if (enabled(root, "fp16") && enabled(root, bf16))
    lint.report("fp16", Severity::error, "contradiction",
                fmt::format("fp16 and {} are both enabled; DeepSpeed refuses that", bf16));
  if (truth_at(root, bf16 + ".bf16_optimizer_states").value_or(false) &&
      !truth_at(root, bf16 + ".bf16_master_weights_and_grads").value_or(false))
    lint.report(bf16 + ".bf16_optimizer_states", Severity::error, "contradiction",
                "bf16_optimizer_states needs bf16_master_weights_and_grads");
  if (text_at(root, "gradient_allreduce_op") == "sum" &&
      number_at(root, "zero_optimization.stage") == 3.0)
    lint.report("gradient_allreduce_op", Severity::error, "contradiction",
                "gradient_allreduce_op sum is not supported by stage 3");
  const std::string schedule = text_at(root, "scheduler.type");
  if ((schedule == "WarmupDecayLR" || schedule == "WarmupCosineLR") &&
      !has_at(root, "scheduler.params.total_num_steps"))
    lint.report("scheduler", Severity::error, "missing",
                fmt::format("{} needs total_num_steps", schedule));
  for (const char* key : {"gradient_clipping", "steps_per_print"})
    if (const auto value = number_at(root, key); value && *value < 0)
      lint.report(key, Severity::error, "value",
                  fmt::format("{} is {}; expected 0 or more", key, *value));
}

}  // namespace

void lint_deepspeed(Linter& lint) {
  if (const std::string& problem = lint.file().not_json; !problem.empty()) {
    const std::size_t message = problem.find(": not JSON");
    lint.report_place(
        problem.substr(0, message), Severity::warning, "value",
        fmt::format("no strict JSON{}; DeepSpeed reads it as Hjson, but the Trainer "
                    "and accelerate refuse it",
                    message == std::string::npos ? "" : problem.substr(message + 10)));
  }
  check_keys(lint);
  check_batch(lint);
  check_stage(lint);
  check_types(lint);
}

}  // namespace aforo
