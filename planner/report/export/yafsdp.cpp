// YaFSDP as a Python module: the model's layers are wrapped one by one, with the plan's numbers as
// constants for the training loop. For ya-fsdp 0.1.0 (fully_shard); the former YaFSDP class is
// gone.

#include <fmt/format.h>

#include "planner/report/export/facts.h"
#include "planner/report/export/quote.h"
#include "planner/report/export/targets.h"

namespace aforo {
namespace {

constexpr const char* sharding_code = R"py(

def shard(model, layers, mesh):
    """Shards `layers` (the transformer blocks, in order) and then the rest of `model` in place."""
    policy = MixedPrecisionPolicy(param_dtype=PARAM_DTYPE, reduce_dtype=torch.float32)
    for layer in layers[:RECOMPUTED_LAYERS]:
        _recompute(layer)
    for layer in layers:
        fully_shard(layer, mesh=mesh, reshard_after_forward=True, mp_policy=policy)
    fully_shard(model, mesh=mesh, mp_policy=policy)
    return model


def _recompute(layer):
    """Keeps only the layer's input; backward runs its forward again."""
    forward = layer.forward

    def checkpointed(*args, **kwargs):
        return checkpoint(forward, *args, use_reentrant=False, **kwargs)

    layer.forward = checkpointed
)py";

}  // namespace

Expresses yafsdp_expresses() {
  Expresses e;
  e.shardings = {Sharding::yafsdp};
  e.precisions = {Precision::fp32, Precision::bf16};
  e.methods = {Method::full};
  e.optimizers = {OptimizerKind::adamw, OptimizerKind::sgd};
  e.recompute = RecomputeForm::front;
  e.engines = {"yafsdp"};
  return e;
}

Exported write_yafsdp(const ExportRequest& request) {
  const PlanFile& file = *request.plan;
  const OptimizerSpec& o = file.job.optimizer;
  const FrontRecompute front = front_recompute(file.plan.recompute);
  std::string out = comments(fact_lines(request));
  out += "import torch\nfrom torch.utils.checkpoint import checkpoint\n";
  out += "from ya_fsdp import MixedPrecisionPolicy, fully_shard\n\n";
  const auto set = [&](std::string_view name, const std::string& value) {
    out += fmt::format("{} = {}\n", name, value);
  };
  set("MODEL", double_quoted(file.job.model.name));
  set("PARAM_DTYPE", file.plan.precision == Precision::bf16 ? "torch.bfloat16" : "torch.float32");
  set("RECOMPUTED_LAYERS", fmt::format("{}", front.full_layers));
  set("SEQ_LEN", fmt::format("{}", file.job.seq_len));
  set("MICRO_BATCH_SIZE", fmt::format("{}", file.plan.micro_batch_size));
  set("GRADIENT_ACCUMULATION_STEPS",
      fmt::format("{}", file.plan.grad_accum(file.job.global_batch_size)));
  set("N_STEPS", fmt::format("{}", file.job.n_steps()));
  set("CLIP_NORM", float_literal(o.clip_norm));
  if (o.kind == OptimizerKind::adamw)
    set("OPTIMIZER",
        fmt::format("(torch.optim.AdamW, dict(lr={}, betas=({}, {}), eps={}, "
                    "weight_decay={}))",
                    float_literal(o.learning_rate), float_literal(o.beta1), float_literal(o.beta2),
                    float_literal(o.epsilon), float_literal(o.weight_decay)));
  else
    set("OPTIMIZER", fmt::format("(torch.optim.SGD, dict(lr={}, momentum={}, weight_decay={}))",
                                 float_literal(o.learning_rate), float_literal(o.momentum),
                                 float_literal(o.weight_decay)));
  Exported result{out + sharding_code, {"import it: from aforo_yafsdp import shard, OPTIMIZER"}};
  return result;
}

}  // namespace aforo
