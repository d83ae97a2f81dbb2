// axolotl's YAML. Its schema takes unknown keys silently, so every key here was checked against it.

#include <fmt/format.h>

#include "planner/report/export/facts.h"
#include "planner/report/export/targets.h"
#include "planner/report/export/trainer_words.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

void append_adapter(YamlText& yaml, const TrainingJob& job) {
  if (job.method == Method::full) return;
  yaml.field("adapter", enum_name(job.method));
  yaml.field("load_in_4bit", job.method == Method::qlora);
  yaml.field("lora_r", job.lora.rank).field("lora_alpha", 2 * job.lora.rank);
  yaml.field("lora_dropout", 0.0);
  const bool all = job.lora.attention_qkv && job.lora.attention_out && job.lora.mlp;
  if (all)
    yaml.field("lora_target_linear", true);
  else
    yaml.line("lora_target_modules", adapter_targets(job.lora));
}

void append_axolotl_sharding(YamlText& yaml, const PlanFile& file) {
  const Sharding sharding = file.plan.parallel.sharding;
  if (file.plan.parallel.dp == 1 || sharding == Sharding::ddp) return;
  if (sharding <= Sharding::zero3) {
    yaml.comment("written by: aforo export PLAN --to deepspeed -o ds_config.json");
    yaml.field("deepspeed", "ds_config.json");
    return;
  }
  yaml.field("fsdp_version", 2).begin("fsdp_config");
  yaml.field("auto_wrap_policy", "TRANSFORMER_BASED_WRAP").field("reshard_after_forward", true);
  yaml.field("state_dict_type", "SHARDED_STATE_DICT");
  yaml.field("activation_checkpointing", trainer_recomputes(file)).end();
}

void append_data(YamlText& yaml, const TrainingJob& job) {
  yaml.comment("your data: aforo plans tokens, not examples");
  const std::string path = job.data.path.empty() ? "train.jsonl" : job.data.path;
  yaml.raw("datasets:\n  - path: " + double_quoted(path) + "\n    type: completion\n");
  if (path.ends_with(".jsonl")) yaml.raw("    ds_type: json\n");
}

}  // namespace

Expresses axolotl_expresses() {
  Expresses e;
  e.shardings = {Sharding::ddp, Sharding::zero1, Sharding::zero2, Sharding::zero3, Sharding::fsdp};
  e.precisions = {Precision::fp32, Precision::tf32, Precision::bf16, Precision::fp16};
  e.offload_states = {OffloadTo::none, OffloadTo::cpu};
  e.offload_activations = {OffloadTo::none, OffloadTo::cpu};
  e.recompute = RecomputeForm::whole;
  e.engines = {"transformers", "torch", "deepspeed"};
  return e;
}

Exported write_axolotl(const ExportRequest& request) {
  const PlanFile& file = *request.plan;
  const TrainingJob& job = file.job;
  const OptimizerSpec& o = job.optimizer;
  const bool fsdp = file.plan.parallel.dp > 1 && file.plan.parallel.sharding == Sharding::fsdp;
  YamlText yaml(comments(fact_lines(request)));
  yaml.comment("Start: axolotl train FILE");
  const bool named = !request.base_model.empty();
  if (!named) yaml.comment("the model's name in aforo; give yours, or --base-model");
  yaml.field("base_model", named ? request.base_model : job.model.name);
  append_data(yaml, job);
  yaml.field("output_dir", "./" + plain_name(job.model.name));
  yaml.field("sequence_len", job.seq_len).field("sample_packing", true);
  yaml.field("pad_to_sequence_len", true);
  append_adapter(yaml, job);
  yaml.field("micro_batch_size", file.plan.micro_batch_size);
  yaml.field("gradient_accumulation_steps", file.plan.grad_accum(job.global_batch_size));
  yaml.field("max_steps", job.n_steps());
  yaml.field("bf16", file.plan.precision == Precision::bf16);
  yaml.field("fp16", file.plan.precision == Precision::fp16);
  yaml.field("tf32", file.plan.precision == Precision::tf32);
  yaml.field("gradient_checkpointing", trainer_recomputes(file) && !fsdp);
  if (file.plan.offload_activations == OffloadTo::cpu) yaml.field("activation_offloading", true);
  yaml.field("optimizer", trainer_optimizer(o.kind)).field("learning_rate", o.learning_rate);
  yaml.field("weight_decay", o.weight_decay).field("max_grad_norm", o.clip_norm);
  yaml.field("adam_beta1", o.beta1).field("adam_beta2", o.beta2);
  yaml.field("adam_epsilon", o.epsilon);
  append_schedule(yaml, job);
  yaml.field("seed", static_cast<std::int64_t>(job.seed & 0x7fffffff));
  yaml.field("saves_per_epoch", 1).field("logging_steps", 1);
  append_axolotl_sharding(yaml, file);
  Exported out{yaml.text(), {"datasets: name your own; the plan counts packed sequences"}};
  if (!named) out.notes.push_back("base_model is aforo's name of the model; give --base-model");
  return out;
}

}  // namespace aforo
