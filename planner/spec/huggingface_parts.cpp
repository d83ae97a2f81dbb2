#include "planner/spec/huggingface_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "planner/base/text.h"

namespace aforo {
namespace {

/// `key` of the object `name`, or of the object `full_attention` in it.
std::optional<double> nested(const HuggingFaceConfig& config, const char* name, const char* key) {
  auto object = config.find({name});
  if (!object) return std::nullopt;
  if (const auto value = object->find(key)) return value->number();
  object = object->find("full_attention");
  const auto value = object ? object->find(key) : std::nullopt;
  return value ? std::optional<double>(value->number()) : std::nullopt;
}

/// Layers that see everything, by layer_types; nothing if the file has none.
std::optional<std::vector<bool>> full_layers(const HuggingFaceConfig& config) {
  const auto types = config.find({"layer_types"});
  if (!types) return std::nullopt;
  std::vector<bool> full;
  for (const JsonNode& item : types->items()) {
    const std::string type = item.string();
    if (type != "full_attention" && type != "sliding_attention")
      config.fail(fmt::format("{} is {}; supported are full_attention and sliding_attention",
                              item.path(), shown(type)));
    full.push_back(type == "full_attention");
  }
  return full;
}

/// k if exactly every k-th layer is full; 0 if none is; -1 if there is another pattern.
int period_of(const std::vector<bool>& full) {
  const auto first = std::find(full.begin(), full.end(), true);
  if (first == full.end()) return 0;
  const int every = static_cast<int>(first - full.begin()) + 1;
  for (int i = 0; i < static_cast<int>(full.size()); ++i)
    if (full[i] != ((i + 1) % every == 0)) return -1;
  return every;
}

}  // namespace

ActivationKind activation(const HuggingFaceConfig& config, const std::string& fallback) {
  const std::string name = config.string({"hidden_act", "activation_function"}, fallback);
  if (name == "gelu_new" || name == "gelu_fast" || name == "gelu_pytorch_tanh")
    return ActivationKind::gelu_tanh;
  if (name == "gelu") return ActivationKind::gelu;
  if (name == "relu") return ActivationKind::relu;
  if (name == "relu2") return ActivationKind::relu2;
  if (name == "silu" || name == "swish") return ActivationKind::silu;
  config.fail(fmt::format("hidden_act is {}; supported are gelu, gelu_new, relu, relu2, silu",
                          shown(name)));
}

ActivationKind gated_activation(const HuggingFaceConfig& config) {
  const std::string name = config.string({"hidden_activation", "hidden_act"}, "silu");
  if (name == "silu" || name == "swish") return ActivationKind::swiglu;
  if (name.starts_with("gelu")) return ActivationKind::geglu;
  config.fail(
      fmt::format("hidden_act is {}; supported are silu and gelu in a gated MLP", shown(name)));
}

AttentionSpec heads(const HuggingFaceConfig& config, int d_model) {
  AttentionSpec attention;
  attention.n_heads = config.size({"num_attention_heads", "n_head", "n_heads"});
  attention.n_kv_heads = config.size({"num_key_value_heads"}, attention.n_heads);
  attention.head_dim = config.size({"head_dim"}, d_model / attention.n_heads);
  if (!config.find({"head_dim"}) && d_model % attention.n_heads != 0)
    config.fail(fmt::format("num_attention_heads is {}, which does not divide hidden_size ({})",
                            attention.n_heads, d_model));
  return attention;
}

ModelSpec sizes(const HuggingFaceConfig& c) {
  ModelSpec m;
  m.n_layers = c.size({"num_hidden_layers", "n_layer", "n_layers"});
  m.d_model = c.size({"hidden_size", "n_embd", "n_embed", "d_model"});
  m.vocab_size = c.size({"vocab_size"});
  m.max_seq_len =
      c.size({"max_position_embeddings", "n_positions", "seq_length", "max_seq_len"}, 2048);
  m.attention = heads(c, m.d_model);
  return m;
}

PositionSpec rope(const HuggingFaceConfig& config, double theta, double fraction) {
  PositionSpec position;
  position.kind = PositionKind::rope;
  position.theta = config.number({"rope_theta", "rotary_emb_base"},
                                 nested(config, "rope_parameters", "rope_theta").value_or(theta));
  position.fraction =
      config.number({"partial_rotary_factor", "rotary_pct"},
                    nested(config, "rope_parameters", "partial_rotary_factor").value_or(fraction));
  return position;
}

ModelSpec llama_like(const HuggingFaceConfig& c, double epsilon, double theta) {
  ModelSpec m = sizes(c);
  m.position = rope(c, theta, 1.0);
  m.norm = {NormKind::rms_norm, c.number({"rms_norm_eps"}, epsilon), true, false};
  m.attention.qkv_bias = m.attention.out_bias = c.boolean({"attention_bias"}, false);
  m.mlp = {c.size({"intermediate_size"}), gated_activation(c), c.boolean({"mlp_bias"}, false)};
  m.tie_embeddings = c.boolean({"tie_word_embeddings"}, false);
  return m;
}

void set_window(const HuggingFaceConfig& config, ModelSpec& model, int window, int every) {
  if (config.has("sliding_window")) window = config.size({"sliding_window"}, 0);
  if (window == 0) return;
  if (const auto full = full_layers(config)) {
    if (static_cast<int>(full->size()) != model.n_layers)
      config.fail(fmt::format("layer_types has {} entries, but num_hidden_layers is {}",
                              full->size(), model.n_layers));
    every = period_of(*full);
  }
  if (every < 0)
    config.fail(
        "layer_types mixes full and sliding layers, not with every k-th full; that is not "
        "supported");
  if (every == 1) return;  // every layer is full
  // Fewer layers than one period: all slide.
  model.attention.sliding_window = window;
  model.attention.full_attention_every = every;
}

void set_late_window(const HuggingFaceConfig& config, ModelSpec& model) {
  if (!config.boolean({"use_sliding_window"}, false)) return;
  if (config.find({"layer_types"})) return set_window(config, model, 4096, 0);
  const auto node = config.find({"max_window_layers"});
  const std::int64_t first = node ? node->integer(0) : 28;
  if (first >= model.n_layers) return;
  if (first > 0)
    config.fail(
        fmt::format("max_window_layers is {} of {} layers; a window in some layers at the "
                    "end is not supported",
                    first, model.n_layers));
  set_window(config, model, 4096, 0);
}

MptAttention mpt_attention(const HuggingFaceConfig& config) {
  MptAttention attention;
  const auto node = config.find({"attn_config"});
  if (!node) return attention;
  for (const char* key : {"qk_ln", "qk_gn", "prefix_lm", "rope"})
    if (const auto flag = node->find(key); flag && flag->boolean())
      config.fail(fmt::format("attn_config.{} is true, which is not supported", key));
  if (const auto alibi = node->find("alibi")) attention.alibi = alibi->boolean();
  const auto type = node->find("attn_type");
  if (!type || type->string() == "multihead_attention") return attention;
  if (type->string() == "multiquery_attention") {
    attention.kv_heads = 1;
  } else if (type->string() == "grouped_query_attention") {
    attention.kv_heads = static_cast<int>(node->at("kv_n_heads").integer(1, 1 << 27));
  } else {
    config.fail(
        fmt::format("attn_config.attn_type is {}; supported are multihead_attention, "
                    "multiquery_attention and grouped_query_attention",
                    shown(type->string())));
  }
  return attention;
}

}  // namespace aforo
