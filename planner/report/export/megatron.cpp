// Megatron-LM's pretrain_gpt.py as a shell script, one flag a line. What the model or the layout
// needs and pretrain_gpt.py does not have is refused.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "planner/base/error.h"
#include "planner/base/text.h"
#include "planner/report/export/facts.h"
#include "planner/report/export/quote.h"
#include "planner/report/export/targets.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

/// Flags with their values, in order.
class Flags {
 public:
  void add(std::string_view flag) { lines_.push_back(fmt::format("--{}", flag)); }
  template <typename T>
  void add(std::string_view flag, const T& value) {
    lines_.push_back(fmt::format("--{} {}", flag, shell_word(fmt::format("{}", value))));
  }
  void add_if(bool wanted, std::string_view flag) {
    if (wanted) add(flag);
  }
  std::string text() const { return fmt::format("  {}", fmt::join(lines_, " \\\n  ")); }

 private:
  std::vector<std::string> lines_;
};

/// What pretrain_gpt.py has no flag for.
void refuse_shapes(const ModelSpec& m) {
  const auto refuse = [&](bool bad, const std::string& what) {
    if (bad)
      throw InputError(fmt::format(
          "megatron cannot express {} of {} (pretrain_gpt.py has no flag for it); export to "
          "another target, such as deepspeed, or to slurm with your own --command",
          what, shown(m.name)));
  };
  const AttentionSpec& a = m.attention;
  refuse(m.is_mla(), "latent attention");
  refuse(a.sinks, "attention sinks");
  refuse(a.sliding_window > 0, fmt::format("sliding_window {}", a.sliding_window));
  refuse(a.qk_norm == QkNormKind::full, "qk_norm full");
  refuse(m.block != BlockKind::pre_norm, fmt::format("block {}", enum_name(m.block)));
  refuse(m.position.kind == PositionKind::alibi, "position alibi");
  refuse(m.lm_head_bias || m.embedding_norm || m.embedding_scale != 1,
         "the embedding's norm or scale, or the head's bias,");
  const bool all = a.qkv_bias && a.out_bias && m.mlp.bias;
  const bool none = !a.out_bias && !m.mlp.bias;
  refuse(!all && !none, "biases on some matrices only");
  const ActivationKind f = m.mlp.activation;
  refuse(f == ActivationKind::relu || f == ActivationKind::silu || f == ActivationKind::geglu,
         fmt::format("activation {}", enum_name(f)));
  refuse(m.moe.shared_gate || m.moe.expert_bias || m.moe.router_bias,
         "the experts' gate or biases");
}

void add_attention(Flags& flags, const ModelSpec& m) {
  const AttentionSpec& a = m.attention;
  flags.add("num-attention-heads", a.n_heads);
  flags.add("kv-channels", a.head_dim);
  if (a.n_kv_heads != a.n_heads) {
    flags.add("group-query-attention");
    flags.add("num-query-groups", a.n_kv_heads);
  }
  flags.add_if(a.qk_norm == QkNormKind::per_head, "qk-layernorm");
  flags.add_if(!m.mlp.bias, "disable-bias-linear");
  flags.add_if(!m.mlp.bias && a.qkv_bias, "add-qkv-bias");
  const PositionSpec& p = m.position;
  flags.add("position-embedding-type", p.kind == PositionKind::rope      ? "rope"
                                       : p.kind == PositionKind::learned ? "learned_absolute"
                                                                         : "none");
  if (p.kind != PositionKind::rope) return;
  flags.add("rotary-base", static_cast<std::int64_t>(p.theta));
  flags.add("rotary-percent", p.fraction);
}

void add_experts(Flags& flags, const ModelSpec& m) {
  if (!m.is_moe()) return;
  std::vector<int> layers;
  for (int i = 0; i < m.n_layers; ++i) layers.push_back(m.is_moe_layer(i) ? 1 : 0);
  flags.add("num-experts", m.moe.n_experts);
  flags.add("moe-router-topk", m.moe.top_k);
  flags.add("moe-ffn-hidden-size", m.moe.d_ff);
  if (m.moe.d_ff_shared > 0) flags.add("moe-shared-expert-intermediate-size", m.moe.d_ff_shared);
  flags.add("moe-layer-freq", fmt::format("[{}]", fmt::join(layers, ",")));
  flags.add("moe-grouped-gemm");
}

void add_model(Flags& flags, const TrainingJob& job) {
  const ModelSpec& m = job.model;
  flags.add("num-layers", m.n_layers);
  flags.add("hidden-size", m.d_model);
  flags.add("ffn-hidden-size", m.mlp.d_ff > 0 ? m.mlp.d_ff : m.moe.d_ff);
  add_attention(flags, m);
  flags.add("normalization", m.norm.kind == NormKind::rms_norm ? "RMSNorm" : "LayerNorm");
  flags.add("norm-epsilon", m.norm.epsilon);
  flags.add_if(m.mlp.activation == ActivationKind::swiglu, "swiglu");
  flags.add_if(m.mlp.activation == ActivationKind::relu2, "squared-relu");
  flags.add_if(!m.tie_embeddings, "untie-embeddings-and-output-weights");
  add_experts(flags, m);
  flags.add("seq-length", job.seq_len);
  flags.add("max-position-embeddings", std::max(job.seq_len, m.max_seq_len));
}

/// `block` counts layers of one stage's chunk, from its front.
void add_recompute(Flags& flags, const Plan& plan) {
  const FrontRecompute front = front_recompute(plan.recompute);
  const int chunks = plan.parallel.pp * plan.parallel.vpp;
  if (front.full_layers > 0) {
    flags.add("recompute-granularity", "full");
    flags.add("recompute-method", "block");
    flags.add("recompute-num-layers", (front.full_layers + chunks - 1) / chunks);
  } else if (front.selective) {
    flags.add("recompute-granularity", "selective");
    flags.add("recompute-modules", "layernorm");
  }
}

void add_layout(Flags& flags, const TrainingJob& job, const Plan& plan) {
  const Parallelism& p = plan.parallel;
  flags.add("tensor-model-parallel-size", p.tp);
  flags.add("pipeline-model-parallel-size", p.pp);
  if (p.vpp > 1) flags.add("num-virtual-stages-per-pipeline-rank", p.vpp);
  flags.add("context-parallel-size", p.cp);
  if (p.ep > 1) flags.add("expert-model-parallel-size", p.ep);
  flags.add_if(p.sequence_parallel && p.tp > 1, "sequence-parallel");
  flags.add("micro-batch-size", plan.micro_batch_size);
  flags.add("global-batch-size", job.global_batch_size);
  if (p.sharding == Sharding::zero1) {
    flags.add("use-distributed-optimizer");
    flags.add("overlap-grad-reduce");
    flags.add("overlap-param-gather");
  }
  flags.add_if(plan.precision == Precision::fp16, "fp16");
  flags.add_if(plan.precision == Precision::bf16 || plan.precision == Precision::fp8, "bf16");
  if (plan.precision == Precision::fp8) flags.add("fp8-format", "hybrid");
  add_recompute(flags, plan);
}

void add_schedule(Flags& flags, const TrainingJob& job) {
  const ScheduleSpec& s = job.schedule;
  constexpr const char* styles[] = {"constant", "cosine", "WSD"};
  flags.add("train-iters", job.n_steps());
  flags.add("lr", job.optimizer.learning_rate);
  flags.add("min-lr", fmt::format("{:g}", job.optimizer.learning_rate * s.min_ratio));
  flags.add("lr-decay-style", styles[static_cast<int>(s.kind)]);
  flags.add("lr-warmup-iters", s.warmup_steps);
  if (s.kind != ScheduleKind::wsd) return;
  flags.add("lr-wsd-decay-style", "linear");
  flags.add("lr-wsd-decay-iters",
            static_cast<std::int64_t>(s.decay_fraction * static_cast<double>(job.n_steps())));
}

void add_optimizer(Flags& flags, const TrainingJob& job) {
  const OptimizerSpec& o = job.optimizer;
  flags.add("optimizer", o.kind == OptimizerKind::sgd    ? "sgd"
                         : o.kind == OptimizerKind::lion ? "lion"
                                                         : "adam");
  if (o.kind == OptimizerKind::sgd) flags.add("sgd-momentum", o.momentum);
  flags.add("adam-beta1", o.beta1);
  flags.add("adam-beta2", o.beta2);
  flags.add("adam-eps", o.epsilon);
  flags.add("weight-decay", o.weight_decay);
  flags.add("clip-grad", o.clip_norm);
  flags.add("seed", job.seed & 0x7fffffff);
}

}  // namespace

Expresses megatron_expresses() {
  Expresses e;
  e.shardings = {Sharding::ddp, Sharding::zero1};
  e.precisions = {Precision::fp32, Precision::bf16, Precision::fp16, Precision::fp8};
  e.methods = {Method::full};
  e.optimizers = {OptimizerKind::adamw, OptimizerKind::sgd, OptimizerKind::lion};
  e.tp = e.pp = e.vpp = e.cp = e.ep = true;
  e.recompute = RecomputeForm::either;
  e.engines = {"megatron"};
  return e;
}

Exported write_megatron(const ExportRequest& request) {
  const PlanFile& file = *request.plan;
  refuse_shapes(file.job.model);
  const Machines machines = machines_of(request);
  Flags flags;
  add_model(flags, file.job);
  add_layout(flags, file.job, file.plan);
  add_schedule(flags, file.job);
  add_optimizer(flags, file.job);
  flags.add("tokenizer-type", "NullTokenizer");
  flags.add("vocab-size", file.job.model.vocab_size);
  flags.add("exit-signal-handler");

  std::string out = "#!/bin/bash\n" + comments(fact_lines(request));
  out += comments(std::vector<std::string>{
      "Start on every machine, in a Megatron-LM checkout (or MEGATRON=its folder):",
      "NODE_RANK=0 MASTER_ADDR=host bash FILE --data-path my_data   (without data: --mock-data)"});
  out += "set -euo pipefail\nif [ \"$#\" -eq 0 ]; then set -- --mock-data; fi\n";
  out += fmt::format(
      "exec torchrun --nnodes={} --nproc-per-node={} --node-rank=\"${{NODE_RANK:-0}}\" \\\n"
      "  --master-addr=\"${{MASTER_ADDR:-127.0.0.1}}\" --master-port=\"${{MASTER_PORT:-29500}}\" "
      "\\\n"
      "  \"${{MEGATRON:-.}}/pretrain_gpt.py\" \\\n",
      machines.count, machines.devices);
  out += flags.text() + " \\\n  \"$@\"\n";
  Exported result{out, {"your tokenizer and data come as further arguments"}};
  const FrontRecompute front = front_recompute(file.plan.recompute);
  if (front.full_layers == 0 && front.selective)
    result.notes.push_back(
        "Megatron recomputes norms only; the plan's selective also recomputes activation "
        "functions, "
        "so memory will be above the plan's");
  if (front.full_layers % (file.plan.parallel.pp * file.plan.parallel.vpp) != 0)
    result.notes.push_back("recomputed layers are rounded up to the same number on every stage");
  return result;
}

}  // namespace aforo
