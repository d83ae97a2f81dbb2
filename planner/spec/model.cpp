#include "planner/spec/model.h"

#include <algorithm>

namespace aforo {
namespace {

/// Elements of one norm: weight and bias where the model has them.
std::int64_t norm_size(const ModelSpec& model) {
  return (model.norm.weight ? model.d_model : 0) + (model.norm.bias ? model.d_model : 0);
}

int norms_per_layer(BlockKind block) {
  switch (block) {
    case BlockKind::parallel_one_norm:
      return 1;
    case BlockKind::sandwich:
      return 4;
    default:
      return 2;
  }
}

/// Down to the latents, up to the heads, and out; without q_lora_rank queries go straight up.
std::int64_t mla_matrices(const ModelSpec& model) {
  const MlaSpec& mla = model.attention.mla;
  const std::int64_t d_model = model.d_model, heads = model.attention.n_heads;
  const std::int64_t queries =
      mla.q_lora_rank > 0 ? mla.q_lora_rank * (d_model + static_cast<std::int64_t>(model.q_width()))
                          : d_model * model.q_width();
  const std::int64_t latent = d_model * (mla.kv_lora_rank + mla.qk_rope_head_dim);
  const std::int64_t keys_values =
      mla.kv_lora_rank * heads * (mla.qk_nope_head_dim + mla.v_head_dim);
  return queries + latent + keys_values + d_model * model.attention_width();
}

std::int64_t attention_matrices(const ModelSpec& model) {
  if (model.is_mla()) return mla_matrices(model);
  const std::int64_t d_model = model.d_model;
  return d_model * model.qkv_width() + static_cast<std::int64_t>(model.q_width()) * d_model;
}

std::int64_t attention_vectors(const ModelSpec& model) {
  const AttentionSpec& attention = model.attention;
  std::int64_t count = 0;
  if (attention.qkv_bias) count += model.qkv_width();
  if (attention.out_bias) count += model.d_model;
  if (attention.qk_norm == QkNormKind::per_head) count += 2 * attention.head_dim;
  if (attention.qk_norm == QkNormKind::full) count += model.q_width() + model.kv_width();
  if (attention.sinks) count += attention.n_heads;
  if (model.is_mla()) count += attention.mla.q_lora_rank + attention.mla.kv_lora_rank;
  return count;
}

/// One MLP whose inner width is d_ff: its first matrix makes a gate too where the kind has one.
std::int64_t mlp_matrices(const ModelSpec& model, std::int64_t d_ff) {
  return model.d_model * d_ff * (is_gated(model.mlp.activation) ? 3 : 2);
}
std::int64_t mlp_biases(const ModelSpec& model, std::int64_t d_ff) {
  return d_ff * (is_gated(model.mlp.activation) ? 2 : 1) + model.d_model;
}

/// What takes the place of the MLP in a layer with experts, with `n_routed` of them.
std::int64_t moe_matrices(const ModelSpec& model, std::int64_t n_routed) {
  const MoeSpec& moe = model.moe;
  const std::int64_t router = static_cast<std::int64_t>(model.d_model) * moe.n_experts;
  return n_routed * mlp_matrices(model, moe.d_ff) + mlp_matrices(model, moe.d_ff_shared) + router +
         (moe.shared_gate ? model.d_model : 0);
}
std::int64_t moe_vectors(const ModelSpec& model, std::int64_t n_routed) {
  return (model.moe.router_bias ? model.moe.n_experts : 0) +
         (model.moe.expert_bias ? n_routed * mlp_biases(model, model.moe.d_ff) : 0);
}

/// Matrices of all layers, with `n_routed` of the experts.
std::int64_t layer_matrices(const ModelSpec& model, std::int64_t n_routed) {
  return model.n_layers * attention_matrices(model) +
         model.n_dense_layers() * mlp_matrices(model, model.mlp.d_ff) +
         model.n_moe_layers() * moe_matrices(model, n_routed);
}

/// With `n_routed` of the experts.
ParameterCount count(const ModelSpec& model, std::int64_t n_routed) {
  ParameterCount count;
  const std::int64_t table = static_cast<std::int64_t>(model.vocab_size) * model.d_model;
  const std::int64_t layers = model.n_layers;
  count.embedding = table;
  if (model.position.kind == PositionKind::learned)
    count.positions = static_cast<std::int64_t>(model.learned_rows()) * model.d_model;
  count.attention = layers * (attention_matrices(model) + attention_vectors(model));
  count.mlp = model.n_dense_layers() * (mlp_matrices(model, model.mlp.d_ff) +
                                        (model.mlp.bias ? mlp_biases(model, model.mlp.d_ff) : 0)) +
              model.n_moe_layers() * (moe_matrices(model, n_routed) + moe_vectors(model, n_routed));
  count.norms = (layers * norms_per_layer(model.block) + 1 + (model.embedding_norm ? 1 : 0)) *
                norm_size(model);
  count.lm_head = (model.tie_embeddings ? 0 : table) + (model.lm_head_bias ? model.vocab_size : 0);
  return count;
}

/// Sum over layers of the keys a query sees at most: the full square has seq_len of them, a window
/// fewer.
double visible_keys(const ModelSpec& model, int seq_len) {
  double keys = 0;
  for (int layer = 0; layer < model.n_layers; ++layer) {
    const int window = model.window_of(layer);
    keys += window > 0 ? std::min(window, seq_len) : seq_len;
  }
  return keys;
}

}  // namespace

ParameterCount count_parameters(const ModelSpec& model) {
  return count(model, model.moe.n_experts);
}

ActiveParameters count_active_parameters(const ModelSpec& model) {
  const ParameterCount active = count(model, model.moe.top_k);
  return {active.total(), active.total() - (model.tie_embeddings ? 0 : active.embedding)};
}

FlopsPerToken flops_per_token(const ModelSpec& model, int seq_len) {
  const double matrices = static_cast<double>(layer_matrices(model, model.moe.top_k)) +
                          static_cast<double>(model.vocab_size) * model.d_model;
  // Scores over the width of the queries, sums over that of the values; 2 FLOPs, thrice.
  const double attention =
      6.0 * (model.q_width() + model.attention_width()) * visible_keys(model, seq_len);
  return {6.0 * static_cast<double>(count_active_parameters(model).with_embedding),
          6.0 * matrices + attention / 2, 6.0 * matrices + attention};
}

}  // namespace aforo
