#pragma once
// Words that Hugging Face's Trainer and what stands on it (axolotl) share.

#include <string>
#include <string_view>

#include "planner/report/export/yaml_text.h"
#include "planner/spec/plan_file.h"

namespace aforo {

/// As `optim` of TrainingArguments spells it.
std::string_view trainer_optimizer(OptimizerKind kind);

/// lr_scheduler_type, lr_scheduler_kwargs and warmup_steps.
void append_schedule(YamlText& yaml, const TrainingJob& job);

/// True if the plan recomputes whole layers.
bool trainer_recomputes(const PlanFile& file);

/// "all-linear" or the projections of the Llama family: ["q_proj", ...].
std::string adapter_targets(const LoraSpec& lora);

}  // namespace aforo
