#include <fmt/format.h>

#include "planner/base/text.h"
#include "planner/spec/enum_tables.h"
#include "planner/spec/model_file.h"
#include "planner/spec/plan_file.h"

namespace aforo {
namespace {

std::string job_text(const TrainingJob& job) {
  const OptimizerSpec& o = job.optimizer;
  const ScheduleSpec& s = job.schedule;
  std::string out = "job:\n  model:\n" + write_model(job.model, 4);
  const auto line = [&](std::string_view key, const auto& value, std::string_view comment = "") {
    out += fmt::format("  {}: {}{}\n", key, value, comment);
  };
  line("seq_len", job.seq_len);
  line("global_batch_size", job.global_batch_size, "   # sequences per optimizer step");
  line("n_tokens", job.n_tokens);
  line("seed", job.seed);
  line("method", enum_name(job.method), "   # which weights are trained");
  line("lora",
       fmt::format("{{rank: {}, attention_qkv: {}, attention_out: {}, mlp: {}}}", job.lora.rank,
                   job.lora.attention_qkv, job.lora.attention_out, job.lora.mlp));
  line("optimizer", fmt::format("{{kind: {}, learning_rate: {}, beta1: {}, beta2: {}, epsilon: {}, "
                                "weight_decay: {}, momentum: {}, clip_norm: {}}}",
                                enum_name(o.kind), o.learning_rate, o.beta1, o.beta2, o.epsilon,
                                o.weight_decay, o.momentum, o.clip_norm));
  line("schedule", fmt::format("{{kind: {}, warmup_steps: {}, min_ratio: {}, decay_fraction: {}}}",
                               enum_name(s.kind), s.warmup_steps, s.min_ratio, s.decay_fraction));
  line("data",
       fmt::format("{{path: {}, format: {}, validation_fraction: {}}}", yaml_scalar(job.data.path),
                   enum_name(job.data.format), job.data.validation_fraction));
  return out;
}

std::string plan_text(const Plan& plan) {
  return fmt::format(
      "plan:\n  precision: {}\n  recompute: {}   # per layer, front layers first\n"
      "  micro_batch_size: {}   # sequences per device and micro-step\n"
      "  dp: {}   # data-parallel ranks\n",
      enum_name(plan.precision), yaml_scalar(describe_recompute(plan.recompute)),
      plan.micro_batch_size, plan.parallel.dp);
}

std::string layout_text(const Plan& plan) {
  const Parallelism& p = plan.parallel;
  return fmt::format(
      "  tp: {}   # tensor parallel\n  pp: {}   # pipeline stages\n  vpp: {}   # chunks a stage "
      "holds\n  cp: {}   # context parallel\n  ep: {}   # expert parallel\n"
      "  sequence_parallel: {}\n  sharding: {}   # of model states over dp x cp ranks\n"
      "  shard_group: {}   # ranks of one hsdp group; 0: one machine\n"
      "  offload_states: {}\n  offload_activations: {}\n"
      "  engine: {}   # who runs it; `aforo run` executes native\n",
      p.tp, p.pp, p.vpp, p.cp, p.ep, p.sequence_parallel, enum_name(p.sharding), p.shard_group,
      enum_name(plan.offload_states), enum_name(plan.offload_activations),
      yaml_scalar(plan.engine));
}

std::string prediction_text(const PlanFile::Prediction& p) {
  std::string out = "prediction:\n";
  const auto line = [&](std::string_view key, const auto& value, std::string_view unit = "") {
    out += fmt::format("  {}: {}{}\n", key, value, unit);
  };
  line("arena", p.arena_bytes, " B");
  line("memory", p.memory_bytes, " B   # arena and what lies outside it");
  line("step_time", p.step_time, " s");
  line("step_time_low", p.step_time_low, " s");
  line("step_time_high", p.step_time_high, " s");
  line("tokens_per_second", p.tokens_per_second);
  line("hours", p.hours, "   # for all n_tokens");
  if (p.dollars >= 0) line("dollars", p.dollars);
  if (!p.price_source.empty()) line("price_source", yaml_scalar(p.price_source));
  return out;
}

}  // namespace

std::string write_plan_file(const PlanFile& file) {
  std::string out = fmt::format(
      "# A training plan: what is trained (job), how it is laid out (plan), and what was "
      "predicted.\n# Run it:  aforo run <this file>\nversion: {}\naforo_version: {}\n"
      "fingerprint: {}   # of the program this lowers to; `aforo run` refuses another\n"
      "target: {}   # what executes it\nhardware: {}   # what the prediction is for\n",
      plan_file_version, yaml_scalar(file.aforo_version), yaml_scalar(file.fingerprint),
      yaml_scalar(file.target), yaml_scalar(file.hardware));
  out += job_text(file.job) + plan_text(file.plan) + layout_text(file.plan) +
         prediction_text(file.prediction);
  out += file.why.empty() ? "why: []\n" : "why:\n";
  for (const std::string& reason : file.why) out += "  - " + yaml_scalar(reason) + "\n";
  return out;
}

}  // namespace aforo
