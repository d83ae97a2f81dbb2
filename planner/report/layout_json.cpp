#include <fmt/format.h>

#include "planner/report/estimate_json.h"
#include "planner/report/layout_report.h"
#include "planner/report/phases_report.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

void write_plan(JsonWriter& json, const LatticePlan& plan) {
  const fast::Setup& s = plan.setup;
  const Parallelism& p = s.parallel;
  constexpr const char* types[] = {"fp32", "tf32", "fp16", "bf16", "fp8", "fp4"};
  json.key("plan").begin_object().field("precision", types[static_cast<int>(s.matrix)]);
  json.field("tp", p.tp).field("pp", p.pp).field("vpp", p.vpp).field("cp", p.cp);
  json.field("ep", p.ep).field("dp", p.dp).field("sharding", enum_name(p.sharding));
  json.field("zeropp", describe(p.zeropp)).field("shard_group", p.shard_group);
  json.field("pipeline_schedule", enum_name(p.pipeline_schedule));
  json.field("first_stage_layers", p.first_stage_layers);
  json.field("last_stage_layers", p.last_stage_layers);
  json.field("sequence_parallel", p.sequence_parallel);
  json.field("micro_batch_size", s.micro_batch_size).field("grad_accum", s.grad_accum());
  json.field("recompute_full_layers", s.recompute.full_layers);
  json.field("recompute_plain_layers", s.recompute.plain_layers);
  json.field("recompute_selective", s.recompute.norm);
  json.field("offload_states", enum_name(s.offload_states));
  json.field("offload_activations", enum_name(s.offload_activations)).end_object();
}

/// The same keys as for one native device.
void write_job(JsonWriter& json, const Layout& layout) {
  const TrainingJob& job = *layout.job;
  json.field("seq_len", job.seq_len).field("global_batch_size", job.global_batch_size);
  json.field("n_tokens", job.n_tokens).field("n_steps", job.n_steps());
  if (const ExamplesSpec& x = job.examples; x.given()) {
    json.key("examples").begin_object().field("n_examples", x.n_examples);
    json.field("epochs", x.epochs).field("batching", enum_name(x.batching));
    json.field("mean_tokens", x.mean()).field("longest_tokens", x.longest());
    json.field("tokens_in_time", layout.plan.setup.time_len()).end_object();
  }
  const ParameterCount count = count_parameters(job.model);
  json.key("parameters").begin_object().field("total", count.total());
  json.field("active", count_active_parameters(job.model).with_embedding).end_object();
  const FlopsPerToken flops = flops_per_token(job.model, job.seq_len);
  const double tokens = static_cast<double>(job.tokens_per_step());
  json.key("flops_per_step").begin_object().field("six_n", flops.six_n * tokens);
  json.field("causal", flops.causal * tokens).field("full_square", flops.full_square * tokens);
  json.field("executed", layout.estimate.time.hardware_flops * layout.cluster.n_devices);
  json.end_object();
}

void write_parts(JsonWriter& json, const char* key, const std::vector<NamedPart>& parts) {
  json.key(key).begin_object();
  for (const NamedPart& part : parts) json.field(part.name, part.value);
  json.end_object();
}

void write_memory(JsonWriter& json, const LayoutEstimate& e) {
  json.key("memory").begin_object();
  json.field("verdict", name_of(e.verdict)).field("capacity_bytes", e.capacity);
  write_interval_json(json, "device_bytes", e.memory_bytes);
  json.field("allocated_bytes", e.memory.allocated());
  json.field("reserved_bytes", e.memory.reserved()).field("host_bytes", e.memory.host);
  json.field("disk_bytes", e.memory.disk);
  json.field("limited_by", e.memory_limited_by);
  write_parts(json, "by_part_bytes", named(e.memory));
  json.end_object();
}

void write_choices(JsonWriter& json, const Layout& layout) {
  if (layout.recompute_choices.empty()) return;
  json.field("recompute_limit_bytes", layout.recompute_limit);
  json.key("recompute_choices").begin_array();
  for (const RecomputeChoice& choice : layout.recompute_choices)
    json.begin_object()
        .field("name", choice.name)
        .field("layers", describe(choice.counts, layout.job->model.n_layers))
        .field("fits", choice.fits)
        .field("device_bytes", choice.device)
        .field("host_bytes", choice.host)
        .field("step_time_s", choice.step_s)
        .end_object();
  json.end_array();
}

}  // namespace

void write_layout_json(JsonWriter& json, const Layout& layout) {
  const LayoutEstimate& e = layout.estimate;
  json.field("model", layout.job->model.name).field("engine", layout.engine->name);
  json.field("executed_by_native", layout.engine->native);
  json.field("device", layout.device.name).field("n_devices", layout.device.count);
  json.field("method", enum_name(layout.job->method));
  write_job(json, layout);
  write_plan(json, layout.plan);
  write_interval_json(json, "step_time_s", e.step_time);
  write_interval_json(json, "tokens_per_s", e.tokens_per_second);
  write_interval_json(json, "hours", e.hours);
  write_interval_json(json, "device_hours", e.device_hours);
  if (layout.device.price_per_device)
    write_interval_json(json, "cost_usd", cost(e.device_hours, *layout.device.price_per_device));
  json.field("limited_by", e.limited_by).field("published_runs", e.n_time_rows);
  json.key("mfu").begin_object().field("causal", e.mfu_causal);
  json.field("full_square", e.mfu_full).field("hardware", e.hfu).end_object();
  write_parts(json, "time_by_part_s", named(e.time));
  write_memory(json, e);
  write_choices(json, layout);
  write_phases_json(json, phases_of(layout.plan.setup, layout.cluster, *layout.engine, e));
  json.key("why").begin_array();
  for (const Derivation& line :
       derive(layout.plan.setup, layout.cluster, *layout.engine, *layout.constants, e))
    json.value(fmt::format("{}: {}", line.name, line.text));
  json.end_array();
}

namespace {
void write_layouts(JsonWriter& json, const char* key, const std::vector<Layout>& layouts) {
  json.key(key).begin_array();
  for (const Layout& layout : layouts) {
    json.begin_object();
    write_layout_json(json, layout);
    json.end_object();
  }
  json.end_array();
}
}  // namespace

std::string ranking_json(const LayoutRanking& ranking) {
  JsonWriter json;
  json.begin_object().field("schema_version", 1);
  json.field("n_considered", ranking.counts.n_considered).field("n_fit", ranking.counts.n_fit);
  json.field("n_evaluated", ranking.counts.n_evaluated);
  json.key("rejected").begin_array();
  for (int i = 0; i < n_obstacles; ++i)
    json.begin_object()
        .field("reason", describe(static_cast<Obstacle>(i)))
        .field("plans", ranking.counts.rejected[i])
        .end_object();
  json.end_array();
  write_layouts(json, "ranked", ranking.ranked);
  write_layouts(json, "pareto", ranking.pareto);
  json.key("suggestions").begin_array();
  for (const std::string& suggestion : ranking.suggestions) json.value(suggestion);
  json.end_array().end_object();
  return json.text() + "\n";
}

}  // namespace aforo
