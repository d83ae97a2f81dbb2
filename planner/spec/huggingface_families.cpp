#include "planner/spec/huggingface_families.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "planner/base/nearest.h"
#include "planner/base/text.h"
#include "planner/spec/huggingface_experts.h"
#include "planner/spec/huggingface_parts.h"

namespace aforo {
namespace {

using Config = HuggingFaceConfig;

/// Layer norms with biases, and one bias switch for every matrix: the descendants of GPT-2.
ModelSpec gpt_like(const Config& c, bool bias, const std::string& act) {
  ModelSpec m = sizes(c);
  m.position.kind = PositionKind::learned;
  m.norm = {NormKind::layer_norm,
            c.number({"layer_norm_epsilon", "layer_norm_eps", "layernorm_epsilon"}, 1e-5), true,
            true};
  m.attention.qkv_bias = m.attention.out_bias = bias;
  m.mlp = {c.size({"intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size"}, 4 * m.d_model),
           activation(c, act), bias};
  m.tie_embeddings = c.boolean({"tie_word_embeddings"}, true);
  return m;
}

ModelSpec bloom(const Config& c) {
  if (c.boolean({"apply_residual_connection_post_layernorm"}, false))
    c.fail("apply_residual_connection_post_layernorm is true, which is not supported");
  ModelSpec m = gpt_like(c, true, "gelu_new");
  m.position.kind = PositionKind::alibi;
  m.embedding_norm = true;
  return m;
}

ModelSpec falcon(const Config& c) {
  ModelSpec m = gpt_like(c, c.boolean({"bias"}, false), "gelu");
  const bool new_blocks = c.boolean({"new_decoder_architecture"}, false);
  if (c.boolean({"alibi"}, false))
    m.position.kind = PositionKind::alibi;
  else
    m.position = rope(c, 10000, 1.0);
  m.block = c.boolean({"parallel_attn"}, true) ? BlockKind::parallel_one_norm : BlockKind::pre_norm;
  m.attention.n_kv_heads = c.boolean({"multi_query"}, true) ? 1 : m.attention.n_heads;
  if (!new_blocks) return m;
  m.attention.n_kv_heads = c.size({"num_kv_heads", "n_head_kv"}, m.attention.n_heads);
  m.block = c.size({"num_ln_in_parallel_attn"}, 2) == 2 ? BlockKind::parallel
                                                        : BlockKind::parallel_one_norm;
  return m;
}

ModelSpec gemma(const Config& c) {
  ModelSpec m = llama_like(c);
  m.mlp.activation = ActivationKind::geglu;  // old files say gelu, and mean it in a gated MLP
  m.tie_embeddings = c.boolean({"tie_word_embeddings"}, true);
  m.embedding_scale = std::sqrt(static_cast<double>(m.d_model));
  return m;
}

ModelSpec gemma2(const Config& c) {
  ModelSpec m = gemma(c);
  m.block = BlockKind::sandwich;
  set_window(c, m, 4096, 2);
  return m;
}

ModelSpec gemma3(const Config& c) {
  ModelSpec m = gemma(c);
  m.position = rope(c, 1e6, 1.0);
  m.block = BlockKind::sandwich;
  m.attention.qk_norm = QkNormKind::per_head;
  set_window(c, m, 4096, c.size({"sliding_window_pattern", "_sliding_window_pattern"}, 6));
  return m;
}

ModelSpec gpt2(const Config& c) { return gpt_like(c, true, "gelu_new"); }

ModelSpec gpt_neox(const Config& c) {
  ModelSpec m = gpt_like(c, true, "gelu");
  m.attention.qkv_bias = m.attention.out_bias = c.boolean({"attention_bias"}, true);
  m.position = rope(c, 10000, 0.25);
  if (c.boolean({"use_parallel_residual"}, true)) m.block = BlockKind::parallel;
  m.tie_embeddings = c.boolean({"tie_word_embeddings"}, false);
  return m;
}

ModelSpec gptj(const Config& c) {
  ModelSpec m = gpt_like(c, true, "gelu_new");
  m.attention.qkv_bias = m.attention.out_bias = false;
  m.position = rope(c, 10000, 1.0);
  m.position.fraction = c.size({"rotary_dim"}, 64) / static_cast<double>(m.attention.head_dim);
  m.block = BlockKind::parallel_one_norm;
  m.tie_embeddings = c.boolean({"tie_word_embeddings"}, false);
  m.lm_head_bias = true;
  return m;
}

ModelSpec llama(const Config& c) { return llama_like(c); }

ModelSpec mistral(const Config& c) {
  ModelSpec m = llama_like(c);
  set_window(c, m, 4096, 0);
  return m;
}

ModelSpec mpt(const Config& c) {
  const MptAttention attention = mpt_attention(c);
  const bool bias = !c.boolean({"no_bias"}, true);
  ModelSpec m = gpt_like(c, bias, "gelu");
  m.norm.bias = bias;
  m.attention.n_kv_heads = attention.n_kv_heads(m.attention.n_heads);
  if (const auto ratio = c.find({"expansion_ratio"}))
    m.mlp.d_ff = static_cast<int>(ratio->integer(1, 16)) * m.d_model;
  if (attention.alibi)
    m.position.kind = PositionKind::alibi;
  else if (!c.boolean({"learned_pos_emb"}, true))
    m.position.kind = PositionKind::none;
  return m;
}

ModelSpec olmo(const Config& c) {
  ModelSpec m = llama_like(c);
  m.norm = {NormKind::layer_norm, 1e-5, false, false};  // neither weight nor bias, by its code
  return m;
}

ModelSpec olmo2(const Config& c) {
  ModelSpec m = llama_like(c, 1e-5);
  m.block = BlockKind::post_norm;
  m.attention.qk_norm = QkNormKind::full;
  return m;
}

ModelSpec olmo3(const Config& c) {
  ModelSpec m = olmo2(c);
  m.position = rope(c, 500000, 1.0);
  set_window(c, m, 4096, 4);
  return m;
}

ModelSpec opt(const Config& c) {
  ModelSpec m = gpt_like(c, c.boolean({"enable_bias"}, true), "relu");
  if (!c.boolean({"do_layer_norm_before"}, true))
    c.fail("do_layer_norm_before is false (opt-350m); only norms before attention are supported");
  if (const int width = c.size({"word_embed_proj_dim"}, m.d_model); width != m.d_model)
    c.fail(
        fmt::format("word_embed_proj_dim is {}, which differs from hidden_size ({}); projected "
                    "embeddings are not supported",
                    width, m.d_model));
  m.position.rows = m.max_seq_len + 2;  // its table has two spare rows
  return m;
}

ModelSpec phi(const Config& c) {
  if (c.boolean({"qk_layernorm"}, false)) c.fail("qk_layernorm is true, which is not supported");
  ModelSpec m = gpt_like(c, true, "gelu_new");
  m.position = rope(c, 10000, 0.5);
  m.block = BlockKind::parallel_one_norm;
  m.tie_embeddings = c.boolean({"tie_word_embeddings"}, false);
  m.lm_head_bias = true;
  return m;
}

ModelSpec phi3(const Config& c) {
  ModelSpec m = llama_like(c, 1e-5);
  set_window(c, m, 0, 0);
  return m;
}

ModelSpec qwen2(const Config& c) {
  ModelSpec m = llama_like(c);
  m.attention.qkv_bias = true;
  m.attention.out_bias = false;
  set_late_window(c, m);
  return m;
}

ModelSpec qwen3(const Config& c) {
  ModelSpec m = llama_like(c);
  m.attention.qk_norm = QkNormKind::per_head;
  set_late_window(c, m);
  return m;
}

ModelSpec smollm3(const Config& c) {
  ModelSpec m = llama_like(c, 1e-6, 2e6);
  m.tie_embeddings = c.boolean({"tie_word_embeddings"}, true);
  set_late_window(c, m);
  return m;
}

struct Family {
  const char* model_type;
  ModelSpec (*read)(const Config&);
  bool experts = false;  ///< reads the keys of experts and of latent attention
};

/// Sorted by model_type.
constexpr Family families[] = {
    {"bloom", bloom},
    {"deepseek", deepseek, true},
    {"deepseek_v2", deepseek_v2, true},
    {"deepseek_v3", deepseek_v3, true},
    {"falcon", falcon},
    {"gemma", gemma},
    {"gemma2", gemma2},
    {"gemma3_text", gemma3},
    {"gpt2", gpt2},
    {"gpt_neox", gpt_neox},
    {"gpt_oss", gpt_oss, true},
    {"gptj", gptj},
    {"llama", llama},
    {"llama4_text", llama4_text, true},
    {"mistral", mistral},
    {"mixtral", mixtral, true},
    {"mpt", mpt},
    {"olmo", olmo},
    {"olmo2", olmo2},
    {"olmo3", olmo3},
    {"olmoe", olmoe, true},
    {"opt", opt},
    {"phi", phi},
    {"phi3", phi3},
    {"qwen2", qwen2},
    {"qwen2_moe", qwen2_moe, true},
    {"qwen3", qwen3},
    {"qwen3_moe", qwen3_moe, true},
    {"smollm3", smollm3},
};

std::vector<std::string> model_types() {
  std::vector<std::string> types;
  for (const Family& family : families) types.emplace_back(family.model_type);
  return types;
}

/// What no family has.
void refuse_others(const Config& c) {
  if (c.boolean({"is_encoder_decoder"}, false))
    c.fail(
        fmt::format("is_encoder_decoder is true: encoders are not supported; only decoders are: "
                    "{}",
                    fmt::join(model_types(), ", ")));
  if (c.has("text_config"))
    c.fail("text_config: this wraps a text model; give that object as a file of its own");
}

/// Keys that a dense family does not have: the file means more than would be read.
void refuse_experts(const Config& c, const char* model_type) {
  for (const char* key :
       {"num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"})
    if (const auto experts = c.find({key}); experts && experts->integer(0) > 1)
      c.fail(fmt::format("{} is {}, but models of type {} are read without experts", key,
                         experts->text(), model_type));
  if (const auto rank = c.find({"kv_lora_rank"}))
    c.fail(
        fmt::format("kv_lora_rank is {}, but models of type {} are read without latent "
                    "attention",
                    rank->text(), model_type));
}

}  // namespace

ModelSpec read_family(const HuggingFaceConfig& config) {
  refuse_others(config);
  const std::string type = config.string({"model_type"}, "");
  for (const Family& family : families) {
    if (type != family.model_type) continue;
    if (!family.experts) refuse_experts(config, family.model_type);
    return family.read(config);
  }
  const std::string near = nearest(type, model_types());
  config.fail(fmt::format(
      "model_type is {}; supported are {}{}; describe other models in a YAML of your own",
      shown(type), fmt::join(model_types(), ", "),
      near.empty() ? "" : fmt::format("; did you mean {}?", near)));
}

}  // namespace aforo
