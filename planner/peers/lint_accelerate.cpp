// Rules of accelerate 1.15.0: its loader refuses unknown keys at the top and takes any below, where
// they turn into options that nothing reads.

#include <fmt/format.h>

#include <cmath>

#include "planner/base/text.h"
#include "planner/peers/lint.h"
#include "planner/peers/values.h"

namespace aforo {
namespace {

constexpr OtherWord other_words[] = {
    {"cpu_offload", "offload_params"},
    {"fsdp_cpu_offload", "fsdp_offload_params"},
    {"fsdp_gradient_checkpointing", "fsdp_activation_checkpointing"}};

/// Keys stand with or without the prefix, which accelerate puts in front where it is missing.
void check_section(Linter& lint, const std::string& section, std::string_view prefix) {
  const auto known = lint.keys().sections.find(section);
  if (known == lint.keys().sections.end()) return;
  std::vector<std::string> names = known->second;
  for (const std::string& name : known->second)
    if (!prefix.empty() && name.starts_with(prefix)) names.push_back(name.substr(prefix.size()));
  lint.unknown_keys(section, names, Severity::warning, "ignores it silently", other_words);
}

void check_words(Linter& lint) {
  const YamlNode& root = lint.root();
  for (const char* key : {"distributed_type", "mixed_precision"}) {
    const auto value = value_at(root, key);
    if (value && value->is_plain() && yaml_truth(value->string()).has_value())
      lint.report(key, Severity::error, "value",
                  fmt::format("{} is {} without quotes, which YAML reads as {}; write '{}'", key,
                              value->string(), *yaml_truth(value->string()) ? "true" : "false",
                              value->string()));
  }
  if (!has_at(root, "distributed_type"))
    lint.report("", Severity::error, "missing",
                "distributed_type is missing; accelerate refuses the file");
}

void check_counts(Linter& lint) {
  const auto machines = number_at(lint.root(), "num_machines");
  const auto processes = number_at(lint.root(), "num_processes");
  if (machines && processes && *machines > 0 && std::fmod(*processes, *machines) != 0)
    lint.report("num_processes", Severity::error, "contradiction",
                fmt::format("num_processes {} is the total and must be a multiple of num_machines "
                            "{}",
                            *processes, *machines));
  const int n = lint.n_devices();
  if (n > 0 && processes && *processes != n)
    lint.report("num_processes", Severity::warning, "contradiction",
                fmt::format("num_processes is {}, but --gpu names {} devices", *processes, n));
}

void check_unused_sections(Linter& lint) {
  const std::string type = text_at(lint.root(), "distributed_type");
  const std::pair<const char*, const char*> sections[] = {{"fsdp_config", "FSDP"},
                                                          {"deepspeed_config", "DEEPSPEED"},
                                                          {"megatron_lm_config", "MEGATRON_LM"}};
  for (const auto& [section, wanted] : sections) {
    const auto node = value_at(lint.root(), section);
    if (node && node->is_map() && !node->keys().empty() && !type.empty() && type != wanted)
      lint.report(section, Severity::warning, "ignored",
                  fmt::format("{} does nothing under distributed_type {}; it belongs to {}",
                              section, type, wanted));
  }
}

/// A key of fsdp_config with or without its prefix; "" if it is not there.
std::string fsdp_path(const YamlNode& root, std::string_view key) {
  for (const char* prefix : {"fsdp_config.fsdp_", "fsdp_config."}) {
    const std::string path = fmt::format("{}{}", prefix, key);
    if (has_at(root, path)) return path;
  }
  return "";
}

void check_fsdp(Linter& lint) {
  const YamlNode& root = lint.root();
  if (!has_at(root, "fsdp_config")) return;
  const std::string version_path = fsdp_path(root, "version");
  const bool second = !version_path.empty() && number_at(root, version_path) == 2.0;
  const auto report = [&](std::string_view key, Severity severity, const char* rule,
                          const std::string& message) {
    const std::string path = fsdp_path(root, key);
    if (!path.empty()) lint.report(path, severity, rule, message);
  };
  const auto truth = [&](std::string_view key) {
    return truth_at(root, fsdp_path(root, key)).value_or(false);
  };
  if (second) {
    report("sharding_strategy", Severity::warning, "ignored",
           "fsdp_sharding_strategy is FSDP1's; FSDP2 goes by fsdp_reshard_after_forward");
    for (const char* key : {"backward_prefetch", "sync_module_states", "use_orig_params"})
      report(key, Severity::warning, "ignored",
             fmt::format("fsdp_{} is FSDP1's and does nothing under fsdp_version 2", key));
    if (truth("forward_prefetch"))
      report("forward_prefetch", Severity::error, "contradiction",
             "fsdp_forward_prefetch is refused under fsdp_version 2");
    if (const std::string path = fsdp_path(root, "reshard_after_forward");
        !path.empty() && !truth_at(root, path))
      report("reshard_after_forward", Severity::error, "value",
             fmt::format("fsdp_reshard_after_forward is {}; FSDP2 takes true or false",
                         shown(text_at(root, path))));
  } else {
    if (has_at(root, "parallelism_config"))
      lint.report("parallelism_config", Severity::error, "contradiction",
                  "parallelism_config needs fsdp_version 2");
    if (truth("cpu_ram_efficient_loading") && !fsdp_path(root, "sync_module_states").empty() &&
        !truth("sync_module_states"))
      report("sync_module_states", Severity::warning, "contradiction",
             "fsdp_cpu_ram_efficient_loading needs fsdp_sync_module_states; accelerate sets it");
  }
  const std::string policy = text_at(root, fsdp_path(root, "auto_wrap_policy"));
  if (policy == "SIZE_BASED_WRAP" && fsdp_path(root, "min_num_params").empty())
    report("auto_wrap_policy", Severity::warning, "missing",
           "SIZE_BASED_WRAP without fsdp_min_num_params wraps at 10^8 parameters");
  if (!policy.empty() && policy != "TRANSFORMER_BASED_WRAP")
    report("transformer_layer_cls_to_wrap", Severity::warning, "ignored",
           fmt::format("fsdp_transformer_layer_cls_to_wrap does nothing under {}", policy));
}

void check_deepspeed_section(Linter& lint) {
  const YamlNode& root = lint.root();
  const auto section = value_at(root, "deepspeed_config");
  if (!section || !section->is_map()) return;
  if (has_at(*section, "deepspeed_config_file"))
    for (const char* key :
         {"zero_stage", "gradient_accumulation_steps", "gradient_clipping",
          "offload_optimizer_device", "offload_param_device", "zero3_save_16bit_model"})
      if (has_at(*section, key))
        lint.report(
            fmt::format("deepspeed_config.{}", key), Severity::error, "contradiction",
            fmt::format("{} beside deepspeed_config_file is refused; say it in that file", key));
  const auto stage = number_at(*section, "zero_stage");
  const auto offloads = [&](const char* key) {
    const std::string where = text_at(*section, key);
    return where == "cpu" || where == "nvme";
  };
  if (stage && *stage < 3 && offloads("offload_param_device"))
    lint.report("deepspeed_config.offload_param_device", Severity::error, "contradiction",
                fmt::format("offload_param_device under zero_stage {}; parameters are offloaded by "
                            "stage 3 only",
                            *stage));
  if (stage && *stage == 0 && offloads("offload_optimizer_device"))
    lint.report("deepspeed_config.offload_optimizer_device", Severity::error, "contradiction",
                "offload_optimizer_device under zero_stage 0, which offloads nothing");
  for (const char* key : {"zero3_init_flag", "zero3_save_16bit_model"})
    if (stage && *stage != 3 && truth_at(*section, key).value_or(false))
      lint.report(fmt::format("deepspeed_config.{}", key), Severity::warning, "ignored",
                  fmt::format("{} does nothing under zero_stage {}", key, *stage));
}

}  // namespace

void lint_accelerate(Linter& lint) {
  lint.unknown_keys("", lint.keys().keys, Severity::error, "refuses the file");
  const std::pair<const char*, const char*> sections[] = {
      {"fsdp_config", "fsdp_"}, {"deepspeed_config", ""},   {"dynamo_config", "dynamo_"},
      {"fp8_config", "fp8_"},   {"parallelism_config", ""}, {"megatron_lm_config", ""}};
  for (const auto& [section, prefix] : sections) check_section(lint, section, prefix);
  check_words(lint);
  check_counts(lint);
  check_unused_sections(lint);
  check_fsdp(lint);
  check_deepspeed_section(lint);
}

}  // namespace aforo
