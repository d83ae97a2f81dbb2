// accelerate's configuration, in four forms: FSDP2, FSDP1, DeepSpeed, and plain data parallelism.
// Unknown keys are ignored below the top level, so each key here was checked against the parser.

#include <fmt/format.h>

#include "planner/report/export/facts.h"
#include "planner/report/export/targets.h"
#include "planner/report/export/yaml_text.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

std::string_view mixed_precision_of(Precision precision) {
  return precision == Precision::fp32 ? "no" : enum_name(precision);
}

/// Comments, and the keys that every form has.
YamlText head(const ExportRequest& request, std::string_view distributed_type) {
  const PlanFile& file = *request.plan;
  const Machines machines = machines_of(request);
  const bool full = front_recompute(file.plan.recompute).full_layers > 0;
  YamlText yaml(comments(fact_lines(request)));
  yaml.comment("Start on every machine: accelerate launch --config_file FILE train.py");
  yaml.comment(
      fmt::format("In the script: Accelerator(gradient_accumulation_steps={}), batches of {} "
                  "sequences a device",
                  file.plan.grad_accum(file.job.global_batch_size), file.plan.micro_batch_size));
  if (full && distributed_type != "FSDP")
    yaml.comment("In the script: model.gradient_checkpointing_enable() for " +
                 fmt::format("recompute {}", describe_recompute(file.plan.recompute)));
  yaml.field("compute_environment", "LOCAL_MACHINE").field("distributed_type", distributed_type);
  yaml.field("mixed_precision", mixed_precision_of(file.plan.precision));
  yaml.field("num_machines", machines.count);
  yaml.field("num_processes", machines.count * machines.devices);
  yaml.field("machine_rank", 0);
  if (machines.count > 1) {
    yaml.comment("per machine: --machine_rank; and the address of machine 0 for");
    yaml.comment("--main_process_ip and --main_process_port");
  }
  yaml.field("main_training_function", "main").field("rdzv_backend", "static");
  yaml.field("same_network", true).field("use_cpu", false).field("debug", false);
  return yaml;
}

bool full_recompute(const PlanFile& file) {
  return front_recompute(file.plan.recompute).full_layers > 0;
}

std::vector<std::string> head_notes(const ExportRequest& request) {
  std::vector<std::string> notes = {
      "the accumulation steps and the batch size belong to the training script; the first lines "
      "of the file say which"};
  if (machines_of(request).count > 1)
    notes.push_back("several machines: give --machine_rank and --main_process_ip on each");
  return notes;
}

Expresses fsdp_expresses() {
  Expresses e;
  e.shardings = {Sharding::zero2, Sharding::fsdp, Sharding::hsdp};
  e.precisions = {Precision::fp32, Precision::bf16, Precision::fp16};
  e.recompute = RecomputeForm::whole;
  e.engines = {"torch", "transformers"};
  return e;
}

}  // namespace

Expresses fsdp1_expresses() { return fsdp_expresses(); }
Expresses fsdp2_expresses() { return fsdp_expresses(); }

Expresses accelerate_deepspeed_expresses() {
  Expresses e;
  e.shardings = {Sharding::zero1, Sharding::zero2, Sharding::zero3};
  e.precisions = {Precision::fp32, Precision::bf16, Precision::fp16};
  e.offload_states = {OffloadTo::none, OffloadTo::cpu};
  e.engines = {"deepspeed"};
  return e;
}

Expresses accelerate_plain_expresses() {
  Expresses e;
  e.shardings = {Sharding::ddp};
  e.precisions = {Precision::fp32, Precision::bf16, Precision::fp16};
  e.engines = {"torch", "transformers"};
  return e;
}

Exported write_accelerate_fsdp1(const ExportRequest& request) {
  const PlanFile& file = *request.plan;
  YamlText yaml = head(request, "FSDP");
  const Sharding sharding = file.plan.parallel.sharding;
  yaml.begin("fsdp_config").field("fsdp_version", 1);
  yaml.field("fsdp_sharding_strategy", sharding == Sharding::zero2  ? "SHARD_GRAD_OP"
                                       : sharding == Sharding::hsdp ? "HYBRID_SHARD"
                                                                    : "FULL_SHARD");
  yaml.field("fsdp_auto_wrap_policy", "TRANSFORMER_BASED_WRAP");
  yaml.comment("fsdp_transformer_layer_cls_to_wrap: the model's _no_split_modules unless given");
  yaml.field("fsdp_state_dict_type", "SHARDED_STATE_DICT");
  yaml.field("fsdp_backward_prefetch", "BACKWARD_PRE");
  yaml.field("fsdp_cpu_ram_efficient_loading", true).field("fsdp_sync_module_states", true);
  yaml.field("fsdp_use_orig_params", true).field("fsdp_offload_params", false);
  yaml.field("fsdp_activation_checkpointing", full_recompute(file)).end();
  return {yaml.text(), head_notes(request)};
}

Exported write_accelerate_fsdp2(const ExportRequest& request) {
  const PlanFile& file = *request.plan;
  const Parallelism& p = file.plan.parallel;
  YamlText yaml = head(request, "FSDP");
  yaml.begin("fsdp_config").field("fsdp_version", 2);
  yaml.field("fsdp_reshard_after_forward", p.sharding != Sharding::zero2);
  yaml.field("fsdp_auto_wrap_policy", "TRANSFORMER_BASED_WRAP");
  yaml.comment("fsdp_transformer_layer_cls_to_wrap: the model's _no_split_modules unless given");
  yaml.field("fsdp_state_dict_type", "SHARDED_STATE_DICT");
  yaml.field("fsdp_cpu_ram_efficient_loading", true).field("fsdp_offload_params", false);
  yaml.field("fsdp_activation_checkpointing", full_recompute(file)).end();
  if (p.sharding == Sharding::hsdp) {
    const int shard = p.shard_group > 0 ? p.shard_group : machines_of(request).devices;
    yaml.begin("parallelism_config");
    yaml.field("parallelism_config_dp_replicate_size", p.dp / shard);
    yaml.field("parallelism_config_dp_shard_size", shard).end();
  }
  return {yaml.text(), head_notes(request)};
}

Exported write_accelerate_deepspeed(const ExportRequest& request) {
  const PlanFile& file = *request.plan;
  YamlText yaml = head(request, "DEEPSPEED");
  const std::string_view where = enum_name(file.plan.offload_states);
  yaml.begin("deepspeed_config");
  yaml.field("zero_stage", zero_stage(file.plan.parallel));
  yaml.field("gradient_accumulation_steps", file.plan.grad_accum(file.job.global_batch_size));
  if (file.job.optimizer.clip_norm > 0)
    yaml.field("gradient_clipping", file.job.optimizer.clip_norm);
  yaml.field("offload_optimizer_device", where).field("offload_param_device", "none");
  if (file.plan.parallel.sharding == Sharding::zero3)
    yaml.field("zero3_init_flag", true).field("zero3_save_16bit_model", true);
  yaml.end();
  std::vector<std::string> notes = head_notes(request);
  notes.push_back("optimizer and schedule belong to the training script");
  return {yaml.text(), notes};
}

Exported write_accelerate_plain(const ExportRequest& request) {
  const bool alone = request.plan->plan.parallel.world_size() == 1;
  return {head(request, alone ? "NO" : "MULTI_GPU").text(), head_notes(request)};
}

}  // namespace aforo
