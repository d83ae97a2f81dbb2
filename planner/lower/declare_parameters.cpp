#include <fmt/format.h>

#include <cmath>

#include "planner/lower/builder.h"
#include "planner/lower/passes/passes.h"
#include "planner/lower/sharding.h"

namespace aforo {
namespace {

// GPT-2's initialisation: 0.02 everywhere, the two projections onto the residual stream smaller
// with depth.
constexpr float base_std = 0.02f;

class Declarer {
 public:
  explicit Declarer(Lowering& lowering)
      : lowering_(lowering),
        builder_(lowering.program),
        flat_(sharding_rules(lowering.plan).flat) {}

  std::string block;  ///< of what is declared from here on

  BufferId matrix(const std::string& name, std::int64_t rows, std::int64_t cols,
                  float std = base_std) {
    return declare(name, {rows, cols, 2}, {InitKind::normal, std}, true);
  }
  BufferId vector(const std::string& name, std::int64_t size, InitKind kind) {
    return declare(name, {1, size, 1}, {kind}, false);
  }
  BufferId bias_if(bool present, const std::string& name, std::int64_t size) {
    return present ? vector(name, size, InitKind::zeros) : no_buffer;
  }
  NormWeights norm(const std::string& name) {
    const ModelSpec& model = lowering_.job.model;
    NormWeights weights;
    if (model.norm.weight) weights.weight = vector(name + ".weight", model.d_model, InitKind::ones);
    if (model.norm.bias) weights.bias = vector(name + ".bias", model.d_model, InitKind::zeros);
    return weights;
  }

 private:
  /// Matrices under a 16-bit recipe get an fp32 master and a 16-bit weight; everything else is one
  /// fp32 buffer. Of flat plans only the weight is declared: flatten makes it a view.
  BufferId declare(const std::string& name, Shape shape, Init init, bool is_matrix) {
    init.stream = static_cast<std::uint32_t>(lowering_.parameters.size());
    const bool has_copy = is_matrix && lowering_.recipe.master_weights;
    Parameter parameter{name, no_buffer, no_buffer, no_buffer, is_matrix, block, init};
    if (flat_) return declare_view(parameter, shape, has_copy);
    parameter.master = builder_.add({has_copy ? name + ".master" : name, shape, Dtype::fp32,
                                     has_copy ? Role::master : Role::weight, init, true});
    parameter.weight = parameter.master;
    if (has_copy) {
      Init copy{InitKind::copy_of_master};
      copy.source = parameter.master;
      parameter.weight =
          builder_.add({name, shape, lowering_.recipe.compute, Role::weight, copy, true});
    }
    lowering_.program.parameters.push_back(parameter.master);
    return keep(parameter);
  }

  BufferId declare_view(Parameter& parameter, Shape shape, bool has_copy) {
    const Dtype dtype = has_copy ? lowering_.recipe.compute : Dtype::fp32;
    parameter.weight =
        builder_.add({parameter.name, shape, dtype, Role::weight, parameter.init, true});
    return keep(parameter);
  }

  BufferId keep(const Parameter& parameter) {
    lowering_.parameter_of.resize(lowering_.program.buffers.size(), -1);
    lowering_.parameter_of[parameter.weight] =
        static_cast<std::int32_t>(lowering_.parameters.size());
    lowering_.parameters.push_back(parameter);
    return parameter.weight;
  }

  Lowering& lowering_;
  Builder builder_;
  bool flat_;
};

void declare_attention(Declarer& declare, const ModelSpec& model, const std::string& prefix,
                       float residual_std, LayerWeights& layer) {
  const AttentionSpec& attention = model.attention;
  layer.qkv = declare.matrix(prefix + "qkv.weight", model.qkv_width(), model.d_model);
  layer.qkv_bias = declare.bias_if(attention.qkv_bias, prefix + "qkv.bias", model.qkv_width());
  if (attention.qk_norm != QkNormKind::none) {
    const bool per_head = attention.qk_norm == QkNormKind::per_head;
    layer.q_norm = declare.vector(prefix + "q_norm.weight",
                                  per_head ? attention.head_dim : model.q_width(), InitKind::ones);
    layer.k_norm = declare.vector(prefix + "k_norm.weight",
                                  per_head ? attention.head_dim : model.kv_width(), InitKind::ones);
  }
  layer.out = declare.matrix(prefix + "out.weight", model.d_model, model.q_width(), residual_std);
  layer.out_bias = declare.bias_if(attention.out_bias, prefix + "out.bias", model.d_model);
}

void declare_mlp(Declarer& declare, const ModelSpec& model, const std::string& prefix,
                 float residual_std, LayerWeights& layer) {
  const std::int64_t up_width =
      static_cast<std::int64_t>(model.mlp.d_ff) * (is_gated(model.mlp.activation) ? 2 : 1);
  layer.up = declare.matrix(prefix + "up.weight", up_width, model.d_model);
  layer.up_bias = declare.bias_if(model.mlp.bias, prefix + "up.bias", up_width);
  layer.down = declare.matrix(prefix + "down.weight", model.d_model, model.mlp.d_ff, residual_std);
  layer.down_bias = declare.bias_if(model.mlp.bias, prefix + "down.bias", model.d_model);
}

LayerWeights declare_layer(Declarer& declare, const ModelSpec& model, int index) {
  declare.block = fmt::format("L{:02d}", index);
  const std::string prefix = declare.block + ".";
  const float residual_std = base_std / std::sqrt(2.0f * model.n_layers);
  const bool sandwich = model.block == BlockKind::sandwich;
  LayerWeights layer;
  layer.norm1 = declare.norm(prefix + "norm1");
  declare_attention(declare, model, prefix, residual_std, layer);
  if (sandwich) layer.norm1_out = declare.norm(prefix + "norm1_out");
  if (model.block != BlockKind::parallel_one_norm) layer.norm2 = declare.norm(prefix + "norm2");
  declare_mlp(declare, model, prefix, residual_std, layer);
  if (sandwich) layer.norm2_out = declare.norm(prefix + "norm2_out");
  return layer;
}

}  // namespace

void declare_parameters(Lowering& lowering) {
  const ModelSpec& model = lowering.job.model;
  Declarer declare(lowering);
  ModelWeights& weights = lowering.weights;
  declare.block = "embedding";
  weights.wte = declare.matrix("wte", model.vocab_size, model.d_model);
  if (model.position.kind == PositionKind::learned)
    weights.wpe = declare.matrix("wpe", model.learned_rows(), model.d_model);
  if (model.embedding_norm) weights.embedding_norm = declare.norm("embedding_norm");
  for (int i = 0; i < model.n_layers; ++i)
    weights.layers.push_back(declare_layer(declare, model, i));
  declare.block = "head";
  weights.final_norm = declare.norm("final_norm");
  weights.lm_head = model.tie_embeddings
                        ? weights.wte
                        : declare.matrix("lm_head.weight", model.vocab_size, model.d_model);
  weights.lm_head_bias = declare.bias_if(model.lm_head_bias, "lm_head.bias", model.vocab_size);
}

}  // namespace aforo
