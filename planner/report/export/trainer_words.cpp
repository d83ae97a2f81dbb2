#include "planner/report/export/trainer_words.h"

#include <cmath>

#include "planner/report/export/expresses.h"

namespace aforo {

std::string_view trainer_optimizer(OptimizerKind kind) {
  switch (kind) {
    case OptimizerKind::sgd:
      return "sgd";
    case OptimizerKind::adamw_8bit:
      return "adamw_bnb_8bit";
    case OptimizerKind::lion:
      return "lion_32bit";
    case OptimizerKind::adafactor:
      return "adafactor";
    case OptimizerKind::muon:
      return "muon";
    case OptimizerKind::adamw:
      break;
  }
  return "adamw_torch_fused";
}

void append_schedule(YamlText& yaml, const TrainingJob& job) {
  const ScheduleSpec& s = job.schedule;
  switch (s.kind) {
    case ScheduleKind::constant:
      yaml.field("lr_scheduler_type", "constant_with_warmup");
      break;
    case ScheduleKind::cosine:
      yaml.field("lr_scheduler_type", "cosine_with_min_lr").begin("lr_scheduler_kwargs");
      yaml.field("min_lr_rate", s.min_ratio).end();
      break;
    case ScheduleKind::wsd:
      yaml.field("lr_scheduler_type", "warmup_stable_decay").begin("lr_scheduler_kwargs");
      yaml.field("num_decay_steps",
                 std::llround(s.decay_fraction * static_cast<double>(job.n_steps())));
      yaml.field("decay_type", "linear").field("min_lr_ratio", s.min_ratio).end();
      break;
  }
  yaml.field("warmup_steps", s.warmup_steps);
}

bool trainer_recomputes(const PlanFile& file) {
  return front_recompute(file.plan.recompute).full_layers > 0;
}

std::string adapter_targets(const LoraSpec& lora) {
  if (lora.attention_qkv && lora.attention_out && lora.mlp) return "\"all-linear\"";
  std::string out;
  const auto add = [&](bool wanted, std::string_view names) {
    if (wanted) out += (out.empty() ? "" : ", ") + std::string(names);
  };
  add(lora.attention_qkv, R"("q_proj", "k_proj", "v_proj")");
  add(lora.attention_out, R"("o_proj")");
  add(lora.mlp, R"("gate_proj", "up_proj", "down_proj")");
  return "[" + out + "]";
}

}  // namespace aforo
