#include "planner/spec/model_check.h"

#include <fmt/format.h>

#include <cmath>

#include "planner/spec/model_file.h"

namespace aforo {
namespace {

// With these bounds the parameters stay below 2^58 and every product of sizes below 2^63; they also
// catch slips of the keyboard. The largest published models are far below: 126 layers, d_model
// 18,432, d_ff 73,728, vocabulary 262,208.
constexpr std::int64_t most_layers = 10000, most_width = 1 << 20, most_vocab = 1 << 24,
                       most_tokens = 1 << 27;

std::string last_part(const std::string& key) { return key.substr(key.rfind('.') + 1); }

using Problem = std::optional<ModelProblem>;

Problem size_problem(const ModelSpec& model) {
  struct Rule {
    const char* key;
    std::int64_t value, least, most;
  };
  const AttentionSpec& attention = model.attention;
  const Rule rules[] = {
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
      {"mlp.d_ff", model.mlp.d_ff, 1, most_width},
  };
  for (const Rule& rule : rules)
    if (rule.value < rule.least || rule.value > rule.most)
      return ModelProblem{rule.key, fmt::format("{} is {}; expected {} to {}", last_part(rule.key),
                                                rule.value, rule.least, rule.most)};
  return std::nullopt;
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

Problem rope_problem(const ModelSpec& model) {
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
  if (auto problem = rope_problem(model)) return problem;
  return norm_problem(model.norm);
}

std::string model_problem(const ModelSpec& model) {
  const auto problem = first_problem(model);
  return problem ? problem->message : "";
}

}  // namespace aforo
