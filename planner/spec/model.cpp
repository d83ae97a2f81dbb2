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

std::int64_t attention_matrices(const ModelSpec& model) {
  const std::int64_t d_model = model.d_model;
  return d_model * model.qkv_width() + static_cast<std::int64_t>(model.q_width()) * d_model;
}

std::int64_t attention_vectors(const ModelSpec& model) {
  std::int64_t count = 0;
  if (model.attention.qkv_bias) count += model.qkv_width();
  if (model.attention.out_bias) count += model.d_model;
  if (model.attention.qk_norm == QkNormKind::per_head) count += 2 * model.attention.head_dim;
  if (model.attention.qk_norm == QkNormKind::full) count += model.q_width() + model.kv_width();
  return count;
}

std::int64_t up_width(const ModelSpec& model) {
  return static_cast<std::int64_t>(model.mlp.d_ff) * (is_gated(model.mlp.activation) ? 2 : 1);
}

std::int64_t mlp_matrices(const ModelSpec& model) {
  return model.d_model * (up_width(model) + model.mlp.d_ff);
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
  ParameterCount count;
  const std::int64_t table = static_cast<std::int64_t>(model.vocab_size) * model.d_model;
  const std::int64_t layers = model.n_layers;
  count.embedding = table;
  if (model.position.kind == PositionKind::learned)
    count.positions = static_cast<std::int64_t>(model.learned_rows()) * model.d_model;
  count.attention = layers * (attention_matrices(model) + attention_vectors(model));
  count.mlp =
      layers * (mlp_matrices(model) + (model.mlp.bias ? up_width(model) + model.d_model : 0));
  count.norms = (layers * norms_per_layer(model.block) + 1 + (model.embedding_norm ? 1 : 0)) *
                norm_size(model);
  count.lm_head = (model.tie_embeddings ? 0 : table) + (model.lm_head_bias ? model.vocab_size : 0);
  return count;
}

FlopsPerToken flops_per_token(const ModelSpec& model, int seq_len) {
  const double matrices = static_cast<double>(model.n_layers) *
                              static_cast<double>(attention_matrices(model) + mlp_matrices(model)) +
                          static_cast<double>(model.vocab_size) * model.d_model;
  const double attention = 12.0 * model.q_width() * visible_keys(model, seq_len);
  return {6.0 * static_cast<double>(count_parameters(model).total()),
          6.0 * matrices + attention / 2, 6.0 * matrices + attention};
}

}  // namespace aforo
