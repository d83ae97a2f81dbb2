#include "planner/fast/weight_counts.h"

#include <algorithm>
#include <cmath>

namespace aforo::fast {
namespace {

double norms_of(BlockKind block) {
  if (block == BlockKind::parallel_one_norm) return 1;
  return block == BlockKind::sandwich ? 4 : 2;
}

double attention_matrices(const ModelSpec& model) {
  const double d = model.d_model, q = model.q_width(), out = model.attention_width();
  if (!model.is_mla()) return d * model.qkv_width() + q * d;
  const MlaSpec& mla = model.attention.mla;
  const double heads = model.attention.n_heads;
  const double queries = mla.q_lora_rank > 0 ? mla.q_lora_rank * (d + q) : d * q;
  return queries + d * (mla.kv_lora_rank + mla.qk_rope_head_dim) +
         mla.kv_lora_rank * heads * (mla.qk_nope_head_dim + mla.v_head_dim) + out * d;
}

/// Rank times (in + out) of every matrix with an adapter. Matrices that read the same input and are
/// stored as one still have adapters of their own.
double adapter_elements(const Setup& setup) {
  const ModelSpec& model = *setup.model;
  const double d = model.d_model, q = model.q_width(), kv = model.kv_width(), ff = model.mlp.d_ff;
  double widths = 0;
  if (setup.lora.attention_qkv) widths += 3 * d + q + 2 * kv;
  if (setup.lora.attention_out) widths += q + d;
  if (setup.lora.mlp) widths += (is_gated(model.mlp.activation) ? 3 : 2) * (d + ff);
  return setup.lora.rank * widths;
}

}  // namespace

LayerWeights layer_weights(const Setup& setup, bool moe_layer) {
  const ModelSpec& model = *setup.model;
  const double d = model.d_model, tp = setup.parallel.tp;
  const double mlp_inputs = is_gated(model.mlp.activation) ? 2 : 1;
  LayerWeights out;
  out.matrices = attention_matrices(model) / tp;
  out.vectors =
      norms_of(model.block) * d * ((model.norm.weight ? 1 : 0) + (model.norm.bias ? 1 : 0));
  if (model.attention.qkv_bias) out.vectors += model.qkv_width() / tp;
  if (model.attention.out_bias) out.vectors += d;
  if (moe_layer) {
    const MoeSpec& moe = model.moe;
    const double expert_tp = setup.expert_tp > 0 ? setup.expert_tp : tp;
    const double local = std::max(1.0, static_cast<double>(moe.n_experts) / setup.parallel.ep);
    out.experts = local * (mlp_inputs + 1) * d * moe.d_ff / expert_tp;
    out.matrices += (mlp_inputs + 1) * d * moe.d_ff_shared / tp + d * moe.n_experts;
    if (moe.expert_bias) out.vectors += local * (mlp_inputs * moe.d_ff / expert_tp + d);
  } else {
    out.matrices += (mlp_inputs + 1) * d * model.mlp.d_ff / tp;
    if (model.mlp.bias) out.vectors += mlp_inputs * model.mlp.d_ff / tp + d;
  }
  if (setup.method != Method::full) out.adapters = adapter_elements(setup) / tp;
  return out;
}

double padded_vocab(const Setup& setup, const MemoryStyle& style) {
  const double step = static_cast<double>(style.vocab_multiple) * setup.parallel.tp;
  return std::ceil(static_cast<double>(setup.vocab_size()) / step) * step;
}

StageWeights stage_weights(const Setup& setup, const MemoryStyle& style,
                           const PipelineStage& stage) {
  const ModelSpec& model = *setup.model;
  const LayerWeights dense = layer_weights(setup, false);
  const LayerWeights moe = stage.moe > 0 ? layer_weights(setup, true) : LayerWeights{};
  StageWeights held;
  held.layers =
      stage.dense * (dense.matrices + dense.vectors) + stage.moe * (moe.matrices + moe.vectors);
  held.quantized = stage.dense * dense.matrices + stage.moe * (moe.matrices + moe.experts);
  held.experts = stage.moe * moe.experts;
  held.adapters = stage.dense * dense.adapters + stage.moe * moe.adapters;
  held.largest_layer = std::max(stage.dense > 0 ? dense.total() : 0, moe.total());
  const double table = padded_vocab(setup, style) * model.d_model / setup.parallel.tp;
  if (stage.first) {
    held.embedding = table;
    if (model.position.kind == PositionKind::learned)
      held.vectors += static_cast<double>(model.learned_rows()) * model.d_model;
  }
  if (stage.last) {
    if (!model.tie_embeddings || !style.ties || !stage.first) held.head = table;
    held.vectors += 2.0 * model.d_model;
  }
  return held;
}

}  // namespace aforo::fast
