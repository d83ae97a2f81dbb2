#include "planner/spec/huggingface_experts.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "planner/spec/huggingface_parts.h"

namespace aforo {
namespace {

using Config = HuggingFaceConfig;

/// A count that may be 0.
int count(const Config& c, const char* key, int fallback) {
  const auto node = c.find({key});
  return node ? static_cast<int>(node->integer(0, 1 << 27)) : fallback;
}

/// The product, or a size that no model may have.
int times(int a, int b) {
  return static_cast<int>(std::min<std::int64_t>(std::int64_t{a} * b, 1 << 27));
}

/// first_dense_layers and every from the layers that have experts; `key` is what said so. Without
/// any the model is dense, without others mlp.d_ff says nothing.
void set_expert_layers(const Config& c, ModelSpec& m, const std::vector<bool>& experts,
                       const char* key) {
  const auto first = std::find(experts.begin(), experts.end(), true);
  if (first == experts.end()) {
    m.moe = {};
    return;
  }
  const auto second = std::find(first + 1, experts.end(), true);
  // One layer alone has no period; the shortest that no later layer completes.
  m.moe.every = static_cast<int>(second - first);
  m.moe.first_dense_layers = static_cast<int>(first - experts.begin()) + 1 - m.moe.every;
  bool same = m.moe.first_dense_layers >= 0;
  for (int layer = 0; same && layer < m.n_layers; ++layer)
    same = m.is_moe_layer(layer) == experts[static_cast<std::size_t>(layer)];
  if (!same)
    c.fail(
        fmt::format("{} gives experts to layers that are not every k-th one after some dense "
                    "ones; that is not supported",
                    key));
  if (m.n_dense_layers() == 0) m.mlp.d_ff = 0;
}

/// Layers of which the 0-based number is in the list `key`; nothing if the file has no such list.
std::optional<std::vector<bool>> listed_layers(const Config& c, int n_layers, const char* key) {
  const auto node = c.find({key});
  if (!node) return std::nullopt;
  std::vector<bool> listed(static_cast<std::size_t>(n_layers), false);
  for (const JsonNode& item : node->items())
    listed[static_cast<std::size_t>(item.integer(0, n_layers - 1))] = true;
  return listed;
}

/// Every layer has experts, whose width is intermediate_size.
void set_experts_everywhere(const Config& c, ModelSpec& m, MoeSpec moe) {
  moe.d_ff = c.size({"intermediate_size"});
  m.moe = moe;
  m.mlp.d_ff = 0;
}

/// Qwen's way: every decoder_sparse_step-th layer, less those of mlp_only_layers.
void set_qwen_experts(const Config& c, ModelSpec& m) {
  m.moe.n_experts = c.size({"num_experts"});
  m.moe.top_k = c.size({"num_experts_per_tok"});
  m.moe.d_ff = c.size({"moe_intermediate_size"});
  const int step = c.size({"decoder_sparse_step"}, 1);
  const auto dense = listed_layers(c, m.n_layers, "mlp_only_layers");
  std::vector<bool> experts;
  for (int layer = 0; layer < m.n_layers; ++layer)
    experts.push_back((layer + 1) % step == 0 &&
                      !(dense && (*dense)[static_cast<std::size_t>(layer)]));
  set_expert_layers(c, m, experts, dense ? "mlp_only_layers" : "decoder_sparse_step");
}

/// DeepSeek's way: of the layers from first_k_dense_replace on those whose number moe_layer_freq
/// divides. Without n_routed_experts the model is dense.
void set_deepseek_experts(const Config& c, ModelSpec& m) {
  if (count(c, "n_routed_experts", 0) == 0) return;
  m.moe.n_experts = c.size({"n_routed_experts"});
  m.moe.top_k = c.size({"num_experts_per_tok"});
  m.moe.d_ff = c.size({"moe_intermediate_size"});
  m.moe.d_ff_shared = times(count(c, "n_shared_experts", 0), m.moe.d_ff);
  const int first = count(c, "first_k_dense_replace", 0), step = c.size({"moe_layer_freq"}, 1);
  std::vector<bool> experts;
  for (int layer = 0; layer < m.n_layers; ++layer)
    experts.push_back(layer >= first && layer % step == 0);
  set_expert_layers(c, m, experts, "moe_layer_freq");
}

void set_mla(const Config& c, ModelSpec& m) {
  MlaSpec& mla = m.attention.mla;
  // null means none, an absent key the default of the class.
  mla.q_lora_rank = c.size({"q_lora_rank"}, c.has("q_lora_rank") ? 0 : 1536);
  mla.kv_lora_rank = c.size({"kv_lora_rank"});
  mla.qk_nope_head_dim = c.size({"qk_nope_head_dim"});
  mla.qk_rope_head_dim = c.size({"qk_rope_head_dim"});
  mla.v_head_dim = c.size({"v_head_dim"});
  m.attention.n_kv_heads = m.attention.n_heads;  // the file may count the one latent
  m.attention.head_dim = mla.qk_nope_head_dim + mla.qk_rope_head_dim;
}

}  // namespace

ModelSpec deepseek(const Config& c) {
  ModelSpec m = llama_like(c);
  set_deepseek_experts(c, m);
  return m;
}

ModelSpec deepseek_v2(const Config& c) {
  ModelSpec m = deepseek(c);
  set_mla(c, m);
  return m;
}

ModelSpec deepseek_v3(const Config& c) {
  ModelSpec m = deepseek_v2(c);
  m.moe.router_bias = m.is_moe();  // e_score_correction_bias
  return m;
}

ModelSpec gpt_oss(const Config& c) {
  ModelSpec m = llama_like(c, 1e-5, 150000);
  m.attention.qkv_bias = m.attention.out_bias = c.boolean({"attention_bias"}, true);
  m.attention.sinks = true;
  set_window(c, m, 128, 2);
  MoeSpec moe;
  moe.n_experts = c.size({"num_local_experts"});
  moe.top_k = c.size({"num_experts_per_tok", "experts_per_token"}, 4);
  moe.router_bias = moe.expert_bias = true;
  set_experts_everywhere(c, m, moe);
  return m;
}

ModelSpec llama4_text(const Config& c) {
  ModelSpec m = llama_like(c, 1e-5, 500000);
  m.moe.n_experts = c.size({"num_local_experts"});
  m.moe.top_k = c.size({"num_experts_per_tok"}, 1);
  m.moe.d_ff = m.moe.d_ff_shared = c.size({"intermediate_size"});
  m.mlp.d_ff = c.size({"intermediate_size_mlp"}, 16384);
  const int step = c.size({"interleave_moe_layer_step"}, 1);
  if (const auto listed = listed_layers(c, m.n_layers, "moe_layers")) {
    set_expert_layers(c, m, *listed, "moe_layers");
    return m;
  }
  std::vector<bool> experts;
  for (int layer = 0; layer < m.n_layers; ++layer) experts.push_back((layer + 1) % step == 0);
  set_expert_layers(c, m, experts, "interleave_moe_layer_step");
  return m;
}

ModelSpec mixtral(const Config& c) {
  ModelSpec m = llama_like(c, 1e-5, 1e6);
  set_window(c, m, 0, 0);
  MoeSpec moe;
  moe.n_experts = c.size({"num_local_experts"}, 8);
  moe.top_k = c.size({"num_experts_per_tok"}, 2);
  set_experts_everywhere(c, m, moe);
  return m;
}

ModelSpec olmoe(const Config& c) {
  ModelSpec m = llama_like(c, 1e-5);
  m.attention.qk_norm = QkNormKind::full;
  MoeSpec moe;
  moe.n_experts = c.size({"num_experts"}, 64);
  moe.top_k = c.size({"num_experts_per_tok"}, 8);
  set_experts_everywhere(c, m, moe);
  return m;
}

ModelSpec qwen2_moe(const Config& c) {
  ModelSpec m = llama_like(c);
  m.attention.qkv_bias = c.boolean({"qkv_bias"}, true);
  m.attention.out_bias = false;
  set_late_window(c, m);
  m.moe.d_ff_shared = c.size({"shared_expert_intermediate_size"});
  m.moe.shared_gate = true;
  set_qwen_experts(c, m);
  return m;
}

ModelSpec qwen3_moe(const Config& c) {
  ModelSpec m = llama_like(c);
  m.attention.qk_norm = QkNormKind::per_head;
  set_late_window(c, m);
  set_qwen_experts(c, m);
  return m;
}

}  // namespace aforo
