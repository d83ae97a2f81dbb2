#include <fmt/format.h>

#include "planner/base/text.h"
#include "planner/spec/enum_tables.h"
#include "planner/spec/model_file.h"

namespace aforo {
namespace {

std::string attention_text(const AttentionSpec& a) {
  std::string out = fmt::format(
      "{{n_heads: {}, n_kv_heads: {}, head_dim: {}, qkv_bias: {}, out_bias: {}, qk_norm: {}, "
      "sliding_window: {}, full_attention_every: {}, sinks: {}",
      a.n_heads, a.n_kv_heads, a.head_dim, a.qkv_bias, a.out_bias, enum_name(a.qk_norm),
      a.sliding_window, a.full_attention_every, a.sinks);
  if (a.mla != MlaSpec{})
    out += fmt::format(
        ", mla: {{q_lora_rank: {}, kv_lora_rank: {}, qk_nope_head_dim: {}, qk_rope_head_dim: {}, "
        "v_head_dim: {}}}",
        a.mla.q_lora_rank, a.mla.kv_lora_rank, a.mla.qk_nope_head_dim, a.mla.qk_rope_head_dim,
        a.mla.v_head_dim);
  return out + "}";
}

std::string moe_text(const MoeSpec& moe) {
  return fmt::format(
      "{{n_experts: {}, top_k: {}, d_ff: {}, d_ff_shared: {}, shared_gate: {}, "
      "first_dense_layers: {}, every: {}, router_bias: {}, expert_bias: {}}}",
      moe.n_experts, moe.top_k, moe.d_ff, moe.d_ff_shared, moe.shared_gate, moe.first_dense_layers,
      moe.every, moe.router_bias, moe.expert_bias);
}

}  // namespace

std::string write_model(const ModelSpec& model, int indent) {
  const std::string in(static_cast<std::size_t>(indent), ' ');
  std::string out;
  const auto line = [&](std::string_view key, const auto& value) {
    out += fmt::format("{}{}: {}\n", in, key, value);
  };
  line("name", yaml_scalar(model.name));
  line("n_layers", model.n_layers);
  line("d_model", model.d_model);
  line("vocab_size", model.vocab_size);
  line("max_seq_len", model.max_seq_len);
  line("tie_embeddings", model.tie_embeddings);
  line("position", fmt::format("{{kind: {}, theta: {}, fraction: {}, rows: {}}}",
                               enum_name(model.position.kind), model.position.theta,
                               model.position.fraction, model.position.rows));
  line("block", enum_name(model.block));
  line("norm",
       fmt::format("{{kind: {}, epsilon: {}, weight: {}, bias: {}}}", enum_name(model.norm.kind),
                   model.norm.epsilon, model.norm.weight, model.norm.bias));
  line("attention", attention_text(model.attention));
  line("mlp", fmt::format("{{d_ff: {}, activation: {}, bias: {}}}", model.mlp.d_ff,
                          enum_name(model.mlp.activation), model.mlp.bias));
  if (model.is_moe()) line("moe", moe_text(model.moe));
  line("lm_head_bias", model.lm_head_bias);
  line("embedding_norm", model.embedding_norm);
  line("embedding_scale", model.embedding_scale);
  if (model.n_params) line("n_params", *model.n_params);
  return out;
}

}  // namespace aforo
