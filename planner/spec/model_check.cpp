#include "planner/spec/model_check.h"

#include <fmt/format.h>

#include <cmath>
#include <initializer_list>

#include "planner/spec/model_file.h"

namespace aforo {
namespace {

// With these bounds the parameters stay below 2^58 and every product of sizes below 2^63; they also
// catch slips of the keyboard. The largest published models are far below: 126 layers, d_model
// 18,432, d_ff 73,728, vocabulary 262,208, 256 experts of 2,048.
constexpr std::int64_t most_layers = 10000, most_width = 1 << 20, most_vocab = 1 << 24,
                       most_tokens = 1 << 27, most_experts = 1 << 16,
                       most_expert_width = 1 << 22;  // of all experts of a layer

std::string last_part(const std::string& key) { return key.substr(key.rfind('.') + 1); }

using Problem = std::optional<ModelProblem>;

struct SizeRule {
  const char* key;
  std::int64_t value, least, most;
};

Problem first_broken(std::initializer_list<SizeRule> rules) {
  for (const SizeRule& rule : rules)
    if (rule.value < rule.least || rule.value > rule.most)
      return ModelProblem{rule.key, fmt::format("{} is {}; expected {} to {}", last_part(rule.key),
                                                rule.value, rule.least, rule.most)};
  return std::nullopt;
}

Problem size_problem(const ModelSpec& model) {
  const AttentionSpec& attention = model.attention;
  return first_broken({
      {"n_layers", model.n_layers, 1, most_layers},
      {"d_model", model.d_model, 1, most_width},
      {"vocab_size", model.vocab_size, 1, most_vocab},
      {"max_seq_len", model.max_seq_len, 1, most_tokens},
      {"position.rows", model.position.rows, 0, most_tokens},
      {"attention.n_heads", attention.n_heads, 1, most_width},
      {"attention.n_kv_heads", attention.n_kv_heads, 1, most_width},
      {"attention.head_dim", attention.head_dim, 1, most_width},
      {"attention.sliding_window", attention.sliding_window, 0, most_tokens},
      {"attention.full_attention_every", attention.full_attention_every, 0, most_layers},
      {"mlp.d_ff", model.mlp.d_ff, model.is_moe() ? 0 : 1, most_width},
  });
}

Problem number_problem(const ModelSpec& model) {
  struct Rule {
    const char* key;
    double value, least, most;
  };
  const Rule rules[] = {
      {"position.theta", model.position.theta, 1, 1e12},
      {"position.fraction", model.position.fraction, 1e-3, 1},
      {"norm.epsilon", model.norm.epsilon, 1e-12, 0.1},
      {"embedding_scale", model.embedding_scale, 1e-6, 1e6},
  };
  for (const Rule& rule : rules)
    if (!(rule.value >= rule.least && rule.value <= rule.most))  // NaN fails too
      return ModelProblem{rule.key, fmt::format("{} is {}; expected {} to {}", last_part(rule.key),
                                                rule.value, rule.least, rule.most)};
  return std::nullopt;
}

Problem head_problem(const AttentionSpec& attention) {
  if (attention.n_heads % attention.n_kv_heads != 0)
    return ModelProblem{"attention.n_kv_heads",
                        fmt::format("n_kv_heads is {}, which does not divide n_heads ({})",
                                    attention.n_kv_heads, attention.n_heads)};
  if (static_cast<std::int64_t>(attention.n_heads) * attention.head_dim > most_width)
    return ModelProblem{"attention.head_dim",
                        fmt::format("head_dim is {}; with n_heads {} the heads are wider than {}",
                                    attention.head_dim, attention.n_heads, most_width)};
  if (attention.full_attention_every > 0 && attention.sliding_window == 0)
    return ModelProblem{"attention.full_attention_every",
                        fmt::format("full_attention_every is {}, but sliding_window is 0, so every "
                                    "layer sees all tokens anyway; remove one of them",
                                    attention.full_attention_every)};
  return std::nullopt;
}

Problem mla_size_problem(const AttentionSpec& attention) {
  const MlaSpec& mla = attention.mla;
  if (auto problem =
          first_broken({{"attention.mla.q_lora_rank", mla.q_lora_rank, 0, most_width},
                        {"attention.mla.kv_lora_rank", mla.kv_lora_rank, 1, most_width},
                        {"attention.mla.qk_nope_head_dim", mla.qk_nope_head_dim, 1, most_width},
                        {"attention.mla.qk_rope_head_dim", mla.qk_rope_head_dim, 0, most_width},
                        {"attention.mla.v_head_dim", mla.v_head_dim, 1, most_width}}))
    return problem;
  if (static_cast<std::int64_t>(attention.n_heads) * mla.v_head_dim > most_width)
    return ModelProblem{
        "attention.mla.v_head_dim",
        fmt::format("v_head_dim is {}; with n_heads {} the values are wider than {}",
                    mla.v_head_dim, attention.n_heads, most_width)};
  return std::nullopt;
}

/// What ordinary attention may choose and latent attention fixes.
Problem mla_problem(const AttentionSpec& attention) {
  const MlaSpec& mla = attention.mla;
  if (mla == MlaSpec{}) return std::nullopt;
  if (auto problem = mla_size_problem(attention)) return problem;
  const int head_dim = mla.qk_nope_head_dim + mla.qk_rope_head_dim;
  if (attention.head_dim != head_dim)
    return ModelProblem{"attention.head_dim",
                        fmt::format("head_dim is {}, but with mla it is qk_nope_head_dim + "
                                    "qk_rope_head_dim = {}; leave it out",
                                    attention.head_dim, head_dim)};
  if (attention.n_kv_heads != attention.n_heads)
    return ModelProblem{"attention.n_kv_heads",
                        fmt::format("n_kv_heads is {}, but with mla every one of the {} heads has "
                                    "its own keys; leave it out",
                                    attention.n_kv_heads, attention.n_heads)};
  if (attention.qkv_bias)
    return ModelProblem{"attention.qkv_bias", "qkv_bias is true, but mla has no such biases"};
  if (attention.qk_norm != QkNormKind::none)
    return ModelProblem{"attention.qk_norm",
                        "qk_norm is set, but mla norms its latents instead; leave it out"};
  return std::nullopt;
}

/// As rope_problem, for latent attention: the rotated dimensions have a size of their own.
Problem mla_rope_problem(const ModelSpec& model) {
  const int dims = model.attention.mla.qk_rope_head_dim;
  const bool rope = model.position.kind == PositionKind::rope;
  if (rope ? dims < 2 || dims % 2 != 0 : dims != 0)
    return ModelProblem{
        "attention.mla.qk_rope_head_dim",
        fmt::format("qk_rope_head_dim is {}; expected {}", dims,
                    rope ? "an even number above 0, since rope rotates pairs" : "0 without rope")};
  if (model.position.fraction != 1)
    return ModelProblem{"position.fraction",
                        fmt::format("fraction is {}, but with mla qk_rope_head_dim says what is "
                                    "rotated; leave it out",
                                    model.position.fraction)};
  return std::nullopt;
}

Problem rope_problem(const ModelSpec& model) {
  if (model.is_mla()) return mla_rope_problem(model);
  if (model.position.kind != PositionKind::rope) return std::nullopt;
  const int head_dim = model.attention.head_dim;
  const double rotated = head_dim * model.position.fraction;
  const int dims = model.rotary_dim();
  // 1e-6: a fraction is written with few digits, such as 0.333333.
  const bool whole = std::abs(rotated - dims) <= 1e-6 * head_dim;
  if (whole && dims >= 2 && dims % 2 == 0 && dims <= head_dim) return std::nullopt;
  if (model.position.fraction == 1)
    return ModelProblem{
        "attention.head_dim",
        fmt::format("head_dim is {}; rope rotates pairs, so it must be even", head_dim)};
  return ModelProblem{"position.fraction",
                      fmt::format("fraction is {}, which is {} of the head_dim {} dimensions; rope "
                                  "rotates pairs, so it must be an even whole number",
                                  model.position.fraction, rotated, head_dim)};
}

Problem moe_size_problem(const ModelSpec& model) {
  const MoeSpec& moe = model.moe;
  if (auto problem =
          first_broken({{"moe.n_experts", moe.n_experts, 1, most_experts},
                        {"moe.top_k", moe.top_k, 1, most_experts},
                        {"moe.d_ff", moe.d_ff, 1, most_width},
                        {"moe.d_ff_shared", moe.d_ff_shared, 0, most_width},
                        {"moe.first_dense_layers", moe.first_dense_layers, 0, most_layers},
                        {"moe.every", moe.every, 1, most_layers}}))
    return problem;
  if (moe.top_k > moe.n_experts)
    return ModelProblem{"moe.top_k", fmt::format("top_k is {}, which is more than n_experts ({})",
                                                 moe.top_k, moe.n_experts)};
  if (static_cast<std::int64_t>(moe.n_experts) * moe.d_ff > most_expert_width)
    return ModelProblem{"moe.d_ff",
                        fmt::format("d_ff is {}; with n_experts {} the experts together are wider "
                                    "than {}",
                                    moe.d_ff, moe.n_experts, most_expert_width)};
  if (moe.shared_gate && moe.d_ff_shared == 0)
    return ModelProblem{"moe.shared_gate",
                        "shared_gate is true, but d_ff_shared is 0, so there is nothing to gate"};
  return std::nullopt;
}

/// Which layers have experts; the MLP of the others is there if and only if there are others.
Problem moe_layers_problem(const ModelSpec& model) {
  const MoeSpec& moe = model.moe;
  if (moe.first_dense_layers >= model.n_layers)
    return ModelProblem{"moe.first_dense_layers",
                        fmt::format("first_dense_layers is {}, but n_layers is {}, so no layer has "
                                    "experts",
                                    moe.first_dense_layers, model.n_layers)};
  if (model.n_moe_layers() == 0)
    return ModelProblem{
        "moe.every",
        fmt::format("every is {}, but {} layers come after the first {}, so no "
                    "layer has experts",
                    moe.every, model.n_layers - moe.first_dense_layers, moe.first_dense_layers)};
  const int dense = model.n_dense_layers(), d_ff = model.mlp.d_ff;
  if (dense > 0 && d_ff == 0)
    return ModelProblem{"mlp.d_ff", fmt::format("d_ff is missing, but {} of {} layers are dense; "
                                                "give the width of their mlp",
                                                dense, model.n_layers)};
  if (dense == 0 && d_ff > 0)
    return ModelProblem{"mlp.d_ff", fmt::format("d_ff is {}, but every layer has experts, whose "
                                                "width is moe.d_ff; leave it out",
                                                d_ff)};
  if (dense == 0 && model.mlp.bias)
    return ModelProblem{"mlp.bias",
                        "bias is true, but every layer has experts; did you mean moe.expert_bias?"};
  return std::nullopt;
}

Problem moe_problem(const ModelSpec& model) {
  if (model.moe == MoeSpec{}) return std::nullopt;
  if (auto problem = moe_size_problem(model)) return problem;
  return moe_layers_problem(model);
}

Problem norm_problem(const NormSpec& norm) {
  if (norm.kind == NormKind::rms_norm && norm.bias)
    return ModelProblem{"norm.bias",
                        "bias is true, but rms_norm has none; did you mean layer_norm?"};
  return std::nullopt;
}

}  // namespace

std::optional<ModelProblem> first_problem(const ModelSpec& model) {
  if (model.name.empty()) return ModelProblem{"name", "name is empty; give the model one"};
  if (auto problem = size_problem(model)) return problem;
  if (auto problem = number_problem(model)) return problem;
  if (auto problem = head_problem(model.attention)) return problem;
  if (auto problem = mla_problem(model.attention)) return problem;
  if (auto problem = rope_problem(model)) return problem;
  if (auto problem = moe_problem(model)) return problem;
  return norm_problem(model.norm);
}

std::string model_problem(const ModelSpec& model) {
  const auto problem = first_problem(model);
  return problem ? problem->message : "";
}

}  // namespace aforo
