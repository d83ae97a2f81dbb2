#include "planner/lower/lower.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <numeric>

#include "planner/base/error.h"
#include "planner/lower/lowering.h"
#include "planner/lower/passes/passes.h"
#include "planner/spec/checks.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

struct Pass {
  const char* name;
  void (*run)(Lowering&);
};

constexpr Pass passes[] = {
    {"declare_ports", declare_ports},
    {"declare_parameters", declare_parameters},
    {"emit_forward", emit_forward},
    {"append_backward", append_backward},
    {"recompute", recompute},  // before schedule: works on one micro-step, so it runs once
    {"flatten", flatten},      // after recompute: what that reads again must be gathered again
    {"schedule", schedule_micro_steps},        // the micro-step becomes a repeated section
    {"append_optimizer", append_optimizer},    // needs the gradients of the whole step
    {"append_evaluation", append_evaluation},  // shares weights and arena with the step
    {"plan_memory", plan_memory},              // last: needs every lifetime
};

/// What a ModelSpec can say and no block here makes; "" if there is nothing of it.
std::string unsupported(const ModelSpec& model) {
  if (model.is_moe())
    return fmt::format("mixtures of experts yet: {} has {} experts, top_k {}", model.name,
                       model.moe.n_experts, model.moe.top_k);
  if (model.is_mla())
    return fmt::format("latent attention yet: {} has kv_lora_rank {}", model.name,
                       model.attention.mla.kv_lora_rank);
  if (model.attention.sinks)
    return fmt::format("attention sinks yet: {} has one a head", model.name);
  return "";
}

/// What the native runtime cannot execute yet is refused by name.
void check_native(const TrainingJob& job, const Plan& plan) {
  const Parallelism& p = plan.parallel;
  std::string what;
  if (plan.engine != "native") what = fmt::format("a plan for engine {}", plan.engine);
  if (plan.precision > Precision::fp16)
    what = fmt::format("precision {}", enum_name(plan.precision));
  if (job.optimizer.kind > OptimizerKind::sgd)
    what = fmt::format("optimizer {}", enum_name(job.optimizer.kind));
  if (job.method != Method::full) what = fmt::format("method {}", enum_name(job.method));
  if (job.examples.given()) what = "data as examples of different lengths";
  if (p.tp * p.pp * p.cp * p.ep > 1)
    what = fmt::format("tp {}, pp {}, cp {}, ep {}", p.tp, p.pp, p.cp, p.ep);
  if (p.pipeline_schedule != PipelineSchedule::one_f_one_b)
    what = fmt::format("pipeline_schedule {}", enum_name(p.pipeline_schedule));
  if (p.uneven_stages())
    what = fmt::format("first_stage_layers {}, last_stage_layers {}", p.first_stage_layers,
                       p.last_stage_layers);
  if (p.sharding == Sharding::zeropp) what = fmt::format("sharding {}", enum_name(p.sharding));
  if (p.sharding == Sharding::hsdp && p.shard_group > 0 && p.dp % p.shard_group != 0)
    throw InputError(fmt::format(
        "shard_group is {}, which does not divide dp {}; use a divisor, or 0 for one group",
        p.shard_group, p.dp));
  if (plan.offload_states != OffloadTo::none)
    what = fmt::format("offload_states {}", enum_name(plan.offload_states));
  if (plan.offload_activations != OffloadTo::none)
    what = fmt::format("offload_activations {}", enum_name(plan.offload_activations));
  if (!what.empty())
    throw InputError(fmt::format(
        "native cannot execute {} yet; estimate, plan and explain work for other engines", what));
}

void check_job(const TrainingJob& job, const Plan& plan) {
  const ModelSpec& model = job.model;
  if (const std::string what = unsupported(model); !what.empty())
    throw InputError(
        fmt::format("native cannot execute {}; estimate and plan for another engine work", what));
  if (job.seq_len < 1)
    throw InputError(fmt::format("seq_len is {}; expected at least 1", job.seq_len));
  if (model.position.kind == PositionKind::learned && job.seq_len > model.learned_rows())
    throw InputError(fmt::format(
        "seq_len is {}, but {} has learned positions for {} tokens; use a shorter seq_len or "
        "a model with more rows",
        job.seq_len, model.name, model.learned_rows()));
  const std::int64_t per_micro_step =
      static_cast<std::int64_t>(plan.micro_batch_size) * plan.parallel.dp;
  if (plan.micro_batch_size < 1 || plan.parallel.dp < 1)
    throw InputError(fmt::format("micro_batch_size is {} and dp is {}; both must be at least 1",
                                 plan.micro_batch_size, plan.parallel.dp));
  if (job.global_batch_size < per_micro_step || job.global_batch_size % per_micro_step != 0)
    throw InputError(fmt::format(
        "micro_batch_size {} x dp {} = {} does not divide global_batch_size {}",
        plan.micro_batch_size, plan.parallel.dp, per_micro_step, job.global_batch_size));
  if (static_cast<int>(plan.recompute.size()) != model.n_layers)
    throw InputError(fmt::format("recompute names {} layers, but {} has n_layers {}",
                                 plan.recompute.size(), model.name, model.n_layers));
  check_native(job, plan);
  if (const std::string problem = size_problem(job, plan); !problem.empty())
    throw InputError(problem);
}

}  // namespace

StepProgram lower_until(const TrainingJob& job, const Plan& plan, const Target& target,
                        const std::string& last) {
  check_job(job, plan);
  Lowering lowering{job, plan, recipe_of(plan.precision)};
  lowering.program.target = target;
  for (const Pass& pass : passes) {
    pass.run(lowering);
    if (last == pass.name) return std::move(lowering.program);
  }
  throw InputError(fmt::format("there is no pass \"{}\"; the passes are {}", last,
                               fmt::join(pass_names(), ", ")));
}

StepProgram lower(const TrainingJob& job, const Plan& plan, const Target& target) {
  return lower_until(job, plan, target, "plan_memory");
}

std::vector<std::string> pass_names() {
  std::vector<std::string> names;
  for (const Pass& pass : passes) names.emplace_back(pass.name);
  return names;
}

}  // namespace aforo
