#include "planner/report/estimate_json.h"

#include "planner/report/phases_report.h"
#include "planner/report/words.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

void write_parameters(JsonWriter& json, const ModelSpec& model) {
  const ParameterCount count = count_parameters(model);
  json.key("parameters").begin_object();
  json.field("total", count.total())
      .field("embedding", count.embedding)
      .field("positions", count.positions);
  json.field("attention", count.attention).field("mlp", count.mlp).field("norms", count.norms);
  json.field("lm_head", count.lm_head).end_object();
}

void write_flops(JsonWriter& json, const Estimate& estimate) {
  json.key("flops_per_step").begin_object();
  json.field("six_n", estimate.model_flops_six_n).field("causal", estimate.model_flops_causal);
  json.field("full_square", estimate.model_flops_full)
      .field("executed", estimate.hardware_flops)
      .end_object();
}

void write_memory(JsonWriter& json, const StepProgram& program, const Estimate& estimate) {
  const MemoryPlan& memory = program.memory;
  json.key("memory").begin_object();
  json.field("verdict", name_of(estimate.verdict)).field("total_bytes", estimate.memory.value);
  json.field("capacity_bytes", estimate.capacity.value).field("arena_bytes", memory.arena.value);
  json.field("outside_arena_bytes", estimate.overhead.value)
      .field("gaps_bytes", memory.fragmentation.value);
  json.field("limited_by", estimate.memory_limited_by);
  json.key("at_peak_bytes").begin_object();
  for (int role = 0; role < n_roles; ++role)
    json.field(name_of(static_cast<Role>(role)), memory.at_peak[role].value);
  json.end_object();
  json.key("peak_by_phase_bytes").begin_object();
  for (Phase phase :
       {Phase::forward, Phase::recompute, Phase::backward, Phase::optimizer, Phase::evaluate})
    json.field(long_name(phase), memory.peak_of_phase[static_cast<int>(phase)].value);
  json.end_object();
  json.field("peak_at", describe(program.ops[memory.peak_op].label)).end_object();
}

void write_time(JsonWriter& json, const Estimate& estimate) {
  write_interval_json(json, "step_time_s", estimate.step_time);
  write_interval_json(json, "tokens_per_s", estimate.tokens_per_second);
  json.field("limited_by", estimate.limited_by);
  json.key("mfu").begin_object();
  json.field("causal", estimate.mfu_causal)
      .field("full_square", estimate.mfu_full)
      .field("hardware", estimate.hfu);
  json.end_object();
  json.key("time_by_op").begin_array();
  for (const TimeShare& share : estimate.shares) {
    json.begin_object()
        .field("op", share.op)
        .field("phase", long_name(share.phase))
        .field("n_ops", share.n_ops);
    json.field("time_s", share.time.value)
        .field("flops", share.flops)
        .field("bytes", share.bytes)
        .end_object();
  }
  json.end_array();
}

}  // namespace

void write_interval_json(JsonWriter& json, std::string_view key, const Interval& interval) {
  json.key(key).begin_object();
  json.field("low", interval.low)
      .field("mid", interval.mid)
      .field("high", interval.high)
      .end_object();
}

void write_plan_json(JsonWriter& json, const TrainingJob& job, const Plan& plan) {
  json.key("plan").begin_object();
  json.field("precision", enum_name(plan.precision))
      .field("recompute", describe_recompute(plan.recompute));
  json.field("micro_batch_size", plan.micro_batch_size).field("dp", plan.parallel.dp);
  json.field("sharding", enum_name(plan.parallel.sharding))
      .field("deterministic", plan.deterministic);
  json.field("grad_accum", plan.grad_accum(job.global_batch_size)).end_object();
}

std::string estimate_json(const TrainingJob& job, const Plan& plan, const StepProgram& program,
                          const Estimate& estimate, const DeviceLine& device) {
  JsonWriter json;
  json.begin_object().field("schema_version", 1).field("model", job.model.name);
  json.key("device").begin_object().field("name", device.name).field("count", device.count);
  json.field("origin", word(device.origin)).end_object();
  json.field("seq_len", job.seq_len).field("global_batch_size", job.global_batch_size);
  json.field("n_tokens", job.n_tokens).field("n_steps", job.n_steps());
  write_plan_json(json, job, plan);
  write_parameters(json, job.model);
  write_flops(json, estimate);
  write_memory(json, program, estimate);
  write_time(json, estimate);
  write_phases_json(json, phases_of(program, estimate));
  json.field("sent_bytes_per_step", sent_bytes(program));
  write_interval_json(json, "hours", estimate.hours);
  write_interval_json(json, "device_hours", estimate.device_hours);
  if (device.price_per_device) {
    json.field("price_per_device_hour_usd", device.price_per_device->value)
        .field("price_source", device.price_source);
    write_interval_json(json, "cost_usd", cost(estimate.device_hours, *device.price_per_device));
  }
  json.key("notes").begin_array();
  for (const std::string& note : notes(job)) json.value(note);
  json.end_array().field("fingerprint", fingerprint(program)).end_object();
  return json.text() + "\n";
}

}  // namespace aforo
