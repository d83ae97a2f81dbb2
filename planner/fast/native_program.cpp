#include "planner/fast/native_program.h"

#include <algorithm>

namespace aforo::fast {
namespace {

Precision precision_of(MatrixType type) {
  if (type == MatrixType::fp16) return Precision::fp16;
  return type == MatrixType::bf16 ? Precision::bf16 : Precision::fp32;
}

bool recompute_is_plain(const RecomputeCounts& r) {
  return r.plain_layers == 0 && r.norm == r.activation && !r.attention_core && !r.mlp_up &&
         !r.qkv && !r.out && !r.alternate_products;
}

bool offloads(const Setup& s) {
  return s.offload_activations != OffloadTo::none || s.offload_states != OffloadTo::none ||
         s.offload_weights != OffloadTo::none;
}

}  // namespace

bool has_program(const Setup& setup) {
  const ModelSpec& model = *setup.model;
  const Parallelism& p = setup.parallel;
  const bool type = setup.matrix == MatrixType::fp32 || setup.matrix == MatrixType::fp16 ||
                    setup.matrix == MatrixType::bf16;
  const bool dense = !model.is_moe() && !model.is_mla() && !model.attention.sinks;
  const bool long_enough =
      model.position.kind != PositionKind::learned || setup.seq_len <= model.learned_rows();
  const bool alone = p.tp * p.pp * p.cp * p.ep == 1 && p.sharding == Sharding::ddp;
  return type && dense && long_enough && alone && setup.method == Method::full &&
         setup.flash_attention && !setup.dropout && !setup.optimizer_in_backward &&
         setup.document_len == 0 && setup.examples == nullptr &&
         recompute_is_plain(setup.recompute) && !offloads(setup);
}

LayerRuns runs_of(const Setup& setup) {
  const int full = std::min(setup.recompute.full_layers, setup.model->n_layers);
  return {full, setup.model->n_layers - full};
}

StepProgram short_program(const Setup& setup, LayerRuns runs, Windows windows, const char* pass) {
  TrainingJob job;
  job.model = *setup.model;
  job.model.n_layers = runs.total();
  job.model.vocab_size = static_cast<int>(setup.vocab_size());
  if (windows == Windows::none) job.model.attention.sliding_window = 0;
  if (windows == Windows::all) job.model.attention.full_attention_every = 0;
  job.optimizer.kind = setup.optimizer;
  if (setup.states.states == 0) job.optimizer.momentum = 0;
  job.seq_len = setup.seq_len;
  Plan plan;
  plan.precision = precision_of(setup.matrix);
  plan.micro_batch_size = setup.micro_batch_size;
  plan.parallel.dp = setup.parallel.dp;
  plan.recompute.assign(runs.total(),
                        setup.recompute.norm ? Recompute::selective : Recompute::none);
  std::fill_n(plan.recompute.begin(), runs.full, Recompute::full);
  job.global_batch_size =
      plan.micro_batch_size * plan.parallel.dp * std::min(2, setup.grad_accum());
  return lower_until(job, plan, cuda_target(), pass);
}

Setup native_setup(const TrainingJob& job, const Plan& plan) {
  constexpr MatrixType types[] = {MatrixType::fp32, MatrixType::bf16, MatrixType::fp16};
  Setup setup;
  setup.model = &job.model;
  setup.seq_len = job.seq_len;
  setup.global_batch_size = job.global_batch_size;
  setup.micro_batch_size = plan.micro_batch_size;
  setup.optimizer = job.optimizer.kind;
  setup.matrix = types[static_cast<int>(plan.precision)];
  if (job.optimizer.kind == OptimizerKind::sgd)
    setup.states.states = job.optimizer.momentum != 0 ? 4 : 0;
  if (plan.precision == Precision::fp32) setup.states.weight = 4, setup.states.master = 0;
  setup.parallel.dp = plan.parallel.dp;
  setup.recompute.full_layers =
      static_cast<int>(std::count(plan.recompute.begin(), plan.recompute.end(), Recompute::full));
  setup.recompute.norm = setup.recompute.activation =
      std::find(plan.recompute.begin(), plan.recompute.end(), Recompute::selective) !=
      plan.recompute.end();
  setup.cuda_graphs = true;
  return setup;
}

}  // namespace aforo::fast
