// DeepSpeed's configuration. Sizes, stage, types and offload are the plan's; keys that only tune
// transfers are left at DeepSpeed's defaults. Unknown top-level keys are ignored by DeepSpeed, so
// "_aforo" carries the plan's numbers where JSON has no comments.

#include <fmt/format.h>

#include <algorithm>

#include "planner/report/export/facts.h"
#include "planner/report/export/targets.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

/// As DeepSpeed's optimizer table and torch.optim spell them.
const char* optimizer_type(OptimizerKind kind) {
  switch (kind) {
    case OptimizerKind::sgd:
      return "SGD";
    case OptimizerKind::lion:
      return "Lion";
    case OptimizerKind::muon:
      return "Muon";
    default:
      return "AdamW";
  }
}

void write_optimizer(JsonWriter& json, const OptimizerSpec& o) {
  json.key("optimizer").begin_object().field("type", optimizer_type(o.kind));
  json.key("params").begin_object().field("lr", o.learning_rate);
  if (o.kind == OptimizerKind::adamw || o.kind == OptimizerKind::lion)
    json.key("betas").begin_array().value(o.beta1).value(o.beta2).end_array();
  if (o.kind == OptimizerKind::adamw) json.field("eps", o.epsilon);
  if (o.kind == OptimizerKind::sgd || o.kind == OptimizerKind::muon)
    json.field("momentum", o.momentum);
  json.field("weight_decay", o.weight_decay).end_object().end_object();
  // Only its own optimizers are let near sharded states unasked.
  if (o.kind == OptimizerKind::sgd) json.field("zero_allow_untested_optimizer", true);
}

void write_schedule(JsonWriter& json, const TrainingJob& job) {
  const ScheduleSpec& s = job.schedule;
  const std::int64_t warmup = std::max<std::int64_t>(1, s.warmup_steps);  // 0 is refused
  const bool cosine = s.kind == ScheduleKind::cosine;
  json.key("scheduler").begin_object().field("type", cosine ? "WarmupCosineLR" : "WarmupLR");
  json.key("params").begin_object();
  if (cosine)
    json.field("total_num_steps", job.n_steps()).field("cos_min_ratio", s.min_ratio);
  else
    json.field("warmup_min_lr", 0.0).field("warmup_max_lr", job.optimizer.learning_rate);
  json.field("warmup_num_steps", warmup).field("warmup_type", "linear");
  json.end_object().end_object();
}

void write_zero(JsonWriter& json, const Plan& plan) {
  const int stage = zero_stage(plan.parallel);
  json.key("zero_optimization").begin_object().field("stage", stage);
  if (stage > 0) json.field("overlap_comm", true).field("contiguous_gradients", true);
  if (stage == 3) json.field("stage3_gather_16bit_weights_on_model_save", true);
  if (plan.offload_states == OffloadTo::cpu)
    json.key("offload_optimizer")
        .begin_object()
        .field("device", "cpu")
        .field("pin_memory", true)
        .end_object();
  json.end_object();
}

void write_precision(JsonWriter& json, Precision precision) {
  if (precision == Precision::bf16)
    json.key("bf16").begin_object().field("enabled", true).end_object();
  if (precision == Precision::fp16)  // loss_scale 0: dynamic
    json.key("fp16").begin_object().field("enabled", true).field("loss_scale", 0).end_object();
}

}  // namespace

Expresses deepspeed_expresses() {
  Expresses e;
  e.shardings = {Sharding::ddp, Sharding::zero1, Sharding::zero2, Sharding::zero3};
  e.precisions = {Precision::fp32, Precision::bf16, Precision::fp16};
  e.optimizers = {OptimizerKind::adamw, OptimizerKind::sgd, OptimizerKind::lion,
                  OptimizerKind::muon};
  e.schedules = {ScheduleKind::constant, ScheduleKind::cosine};
  e.offload_states = {OffloadTo::none, OffloadTo::cpu};
  e.offload_activations = {OffloadTo::none, OffloadTo::cpu};
  e.engines = {"deepspeed"};
  return e;
}

Exported write_deepspeed(const ExportRequest& request) {
  const PlanFile& file = *request.plan;
  const Plan& plan = file.plan;
  JsonWriter json;
  json.begin_object().key("_aforo").begin_object();
  write_facts(json, request);
  json.end_object();
  json.field("train_batch_size", file.job.global_batch_size);
  json.field("train_micro_batch_size_per_gpu", plan.micro_batch_size);
  json.field("gradient_accumulation_steps", plan.grad_accum(file.job.global_batch_size));
  if (file.job.optimizer.clip_norm > 0)
    json.field("gradient_clipping", file.job.optimizer.clip_norm);
  write_precision(json, plan.precision);
  write_optimizer(json, file.job.optimizer);
  write_schedule(json, file.job);
  write_zero(json, plan);
  if (plan.offload_activations == OffloadTo::cpu)
    json.key("activation_checkpointing")
        .begin_object()
        .field("cpu_checkpointing", true)
        .end_object();
  json.field("wall_clock_breakdown", false).end_object();

  Exported out{json.text() + "\n", {}};
  out.notes.push_back(
      "the plan's numbers stand under \"_aforo\", which DeepSpeed ignores as any unknown top-level "
      "key");
  if (plan.offload_activations == OffloadTo::cpu)
    out.notes.push_back("cpu_checkpointing works through deepspeed.checkpointing.checkpoint only");
  return out;
}

}  // namespace aforo
