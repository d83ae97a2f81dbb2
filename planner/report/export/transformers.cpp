// Hugging Face TrainingArguments as YAML, for HfArgumentParser.parse_yaml_file. Unknown keys raise
// there, so the plan's numbers are comments.

#include <fmt/format.h>

#include <cmath>

#include "planner/report/export/facts.h"
#include "planner/report/export/targets.h"
#include "planner/report/export/trainer_words.h"
#include "planner/report/export/yaml_text.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

void append_sharding(YamlText& yaml, const PlanFile& file) {
  const Sharding sharding = file.plan.parallel.sharding;
  if (file.plan.parallel.dp == 1 || sharding == Sharding::ddp) return;
  if (sharding <= Sharding::zero3) {
    yaml.comment("written by: aforo export PLAN --to deepspeed -o ds_config.json");
    yaml.field("deepspeed", "ds_config.json");
    return;
  }
  yaml.field("fsdp", "full_shard auto_wrap").begin("fsdp_config");
  yaml.field("version", 2).field("reshard_after_forward", true);
  yaml.field("activation_checkpointing", trainer_recomputes(file));
  yaml.field("state_dict_type", "SHARDED_STATE_DICT").end();
}

void append_adapter_note(YamlText& yaml, const TrainingJob& job) {
  if (job.method == Method::full) return;
  yaml.comment(fmt::format("In the script: peft.LoraConfig(r={}, target_modules={})", job.lora.rank,
                           adapter_targets(job.lora)));
  if (job.method == Method::qlora)
    yaml.comment("and BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type='nf4')");
}

}  // namespace

Expresses transformers_expresses() {
  Expresses e;
  e.shardings = {Sharding::ddp, Sharding::zero1, Sharding::zero2, Sharding::zero3, Sharding::fsdp};
  e.precisions = {Precision::fp32, Precision::tf32, Precision::bf16, Precision::fp16};
  e.optimizers = {OptimizerKind::adamw, OptimizerKind::sgd, OptimizerKind::adamw_8bit,
                  OptimizerKind::lion, OptimizerKind::adafactor};
  e.offload_states = {OffloadTo::none, OffloadTo::cpu};
  e.recompute = RecomputeForm::whole;
  e.engines = {"transformers", "torch", "deepspeed"};
  return e;
}

Exported write_transformers(const ExportRequest& request) {
  const PlanFile& file = *request.plan;
  const TrainingJob& job = file.job;
  const OptimizerSpec& o = job.optimizer;
  const bool fsdp = file.plan.parallel.dp > 1 && file.plan.parallel.sharding == Sharding::fsdp;
  YamlText yaml(comments(fact_lines(request)));
  yaml.comment("Read: HfArgumentParser(TrainingArguments).parse_yaml_file(FILE)");
  yaml.comment(fmt::format("The script cuts or packs sequences to {} tokens.", job.seq_len));
  append_adapter_note(yaml, job);
  yaml.field("output_dir", plain_name(job.model.name));
  yaml.field("per_device_train_batch_size", file.plan.micro_batch_size);
  yaml.field("gradient_accumulation_steps", file.plan.grad_accum(job.global_batch_size));
  yaml.field("max_steps", job.n_steps());
  yaml.field("bf16", file.plan.precision == Precision::bf16);
  yaml.field("fp16", file.plan.precision == Precision::fp16);
  if (file.plan.precision <= Precision::tf32 && file.plan.precision != Precision::fp32)
    yaml.field("tf32", file.plan.precision == Precision::tf32);
  // Under FSDP its own checkpointing avoids a second gather of the weights.
  yaml.field("gradient_checkpointing", trainer_recomputes(file) && !fsdp);
  yaml.field("optim", trainer_optimizer(o.kind)).field("learning_rate", o.learning_rate);
  yaml.field("weight_decay", o.weight_decay).field("max_grad_norm", o.clip_norm);
  yaml.field("adam_beta1", o.beta1).field("adam_beta2", o.beta2);
  yaml.field("adam_epsilon", o.epsilon);
  append_schedule(yaml, job);
  yaml.field("seed", static_cast<std::int64_t>(job.seed & 0x7fffffff));
  yaml.field("save_strategy", "steps").field("save_steps", 500).field("save_total_limit", 2);
  append_sharding(yaml, file);

  Exported out{yaml.text(), {"model, data and sequence length belong to the training script"}};
  if (job.method != Method::full)
    out.notes.push_back("adapters belong to the training script; the first lines say which");
  return out;
}

}  // namespace aforo
