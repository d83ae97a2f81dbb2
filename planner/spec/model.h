#pragma once
// What is trained: the shape of a decoder transformer. One YAML per model in models/;
// models/README.md has the keys.

#include <cstdint>
#include <optional>
#include <string>

namespace aforo {

enum class PositionKind { learned, rope, alibi, none };

/// How norms and residuals are arranged in a block.
///   pre_norm           x += attention(norm1(x));  x += mlp(norm2(x))
///   parallel           x += attention(norm1(x)) + mlp(norm2(x))          GPT-NeoX
///   parallel_one_norm  x += attention(norm1(x)) + mlp(norm1(x))          GPT-J, Phi-2, Falcon-7B
///   post_norm          x += norm1(attention(x));  x += norm2(mlp(x))     OLMo 2
///   sandwich           x += norm1b(attention(norm1(x)));  x += norm2b(mlp(norm2(x)))     Gemma 2
enum class BlockKind { pre_norm, parallel, parallel_one_norm, post_norm, sandwich };

enum class NormKind { layer_norm, rms_norm };
enum class QkNormKind { none, per_head, full };
enum class ActivationKind { gelu, gelu_tanh, relu, relu2, silu, swiglu, geglu };

/// True for the kinds whose first matrix makes a gate and an up half.
constexpr bool is_gated(ActivationKind kind) {
  return kind == ActivationKind::swiglu || kind == ActivationKind::geglu;
}

struct PositionSpec {
  PositionKind kind = PositionKind::rope;
  double theta = 10000.0;  ///< rope base
  double fraction = 1.0;   ///< share of head_dim that is rotated, from the front
  int rows = 0;            ///< rows of the learned table; 0: max_seq_len
  bool operator==(const PositionSpec&) const = default;
};

struct NormSpec {
  NormKind kind = NormKind::rms_norm;
  double epsilon = 1e-5;
  bool weight = true;
  bool bias = false;
  bool operator==(const NormSpec&) const = default;
};

/// Multi-head latent attention (DeepSeek-V2): keys and values come from one latent of
/// `kv_lora_rank`, queries from one of `q_lora_rank` (0: straight from the input). A head's query
/// and key are `qk_nope_head_dim` unrotated and `qk_rope_head_dim` rotated dimensions (the rotated
/// key is shared by all heads), together the model's head_dim; its value is `v_head_dim` wide. Both
/// latents go through an RMS norm with a weight. kv_lora_rank 0: ordinary attention.
struct MlaSpec {
  int q_lora_rank = 0;
  int kv_lora_rank = 0;
  int qk_nope_head_dim = 0;
  int qk_rope_head_dim = 0;
  int v_head_dim = 0;
  bool operator==(const MlaSpec&) const = default;
};

struct AttentionSpec {
  int n_heads = 0;
  int n_kv_heads = 0;
  int head_dim = 0;
  bool qkv_bias = false;
  bool out_bias = false;
  QkNormKind qk_norm = QkNormKind::none;
  int sliding_window = 0;        ///< tokens a query sees, itself included; 0: all before it
  int full_attention_every = 0;  ///< with a window: every k-th layer sees all; 0: none does
  bool sinks = false;            ///< one learned logit per head beside the scores (gpt-oss)
  MlaSpec mla;
  bool operator==(const AttentionSpec&) const = default;
};

struct MlpSpec {
  int d_ff = 0;
  ActivationKind activation = ActivationKind::gelu_tanh;
  bool bias = false;
  bool operator==(const MlpSpec&) const = default;
};

/// Mixture of experts in place of the MLP of some layers; an expert is an MLP with the activation
/// of `mlp`. n_experts 0: dense everywhere.
struct MoeSpec {
  int n_experts = 0;
  int top_k = 0;               ///< experts each token visits
  int d_ff = 0;                ///< width of one routed expert
  int d_ff_shared = 0;         ///< width of the shared experts together, which every token visits
  bool shared_gate = false;    ///< a learned gate [d_model] on the shared experts (Qwen)
  int first_dense_layers = 0;  ///< layers in front that keep the dense MLP
  int every = 1;               ///< of the rest, every k-th layer has experts (the last of each k)
  bool router_bias = false;    ///< one per expert
  bool expert_bias = false;    ///< on the matrices of a routed expert (gpt-oss)
  bool operator==(const MoeSpec&) const = default;
};

struct ModelSpec {
  std::string name;
  int n_layers = 0;
  int d_model = 0;
  int vocab_size = 0;
  int max_seq_len = 0;
  bool tie_embeddings = false;
  PositionSpec position;
  BlockKind block = BlockKind::pre_norm;
  NormSpec norm;
  AttentionSpec attention;
  MlpSpec mlp;  ///< of dense layers; d_ff is 0 where every layer has experts
  MoeSpec moe;
  bool lm_head_bias = false;
  bool embedding_norm = false;
  double embedding_scale = 1.0;
  std::optional<std::int64_t> n_params;  ///< as published; a test holds our count to it

  int q_width() const { return attention.n_heads * attention.head_dim; }
  int kv_width() const { return attention.n_kv_heads * attention.head_dim; }
  int qkv_width() const { return q_width() + 2 * kv_width(); }
  int learned_rows() const { return position.rows > 0 ? position.rows : max_seq_len; }
  bool is_mla() const { return attention.mla.kv_lora_rank > 0; }
  /// Values of all heads together: what the output matrix of attention reads.
  int attention_width() const {
    return is_mla() ? attention.n_heads * attention.mla.v_head_dim : q_width();
  }
  /// Dimensions of a head that rope turns; 0 without rope.
  int rotary_dim() const {
    if (position.kind != PositionKind::rope) return 0;
    if (is_mla()) return attention.mla.qk_rope_head_dim;
    return static_cast<int>(attention.head_dim * position.fraction + 0.5);
  }

  /// Tokens a query of this layer sees, itself included; 0 means all before it.
  int window_of(int layer) const {
    const int every = attention.full_attention_every;
    return every > 0 && (layer + 1) % every == 0 ? 0 : attention.sliding_window;
  }

  bool is_moe() const { return moe.n_experts > 0; }
  bool is_moe_layer(int layer) const {
    return is_moe() && layer >= moe.first_dense_layers &&
           (layer - moe.first_dense_layers) % moe.every == moe.every - 1;
  }
  int n_moe_layers() const {
    return is_moe() ? (n_layers - moe.first_dense_layers) / moe.every : 0;
  }
  int n_dense_layers() const { return n_layers - n_moe_layers(); }

  bool operator==(const ModelSpec&) const = default;
};

/// Parameters by where they sit. `total()` counts a tied head once.
struct ParameterCount {
  std::int64_t embedding = 0;  ///< token table
  std::int64_t positions = 0;  ///< learned position table
  std::int64_t attention = 0;  ///< matrices, biases, sinks, q/k and latent norms of all layers
  std::int64_t mlp = 0;        ///< dense MLPs, experts and routers
  std::int64_t norms = 0;
  std::int64_t lm_head = 0;  ///< 0 when tied (a head bias still counts)
  std::int64_t total() const { return embedding + positions + attention + mlp + norms + lm_head; }
};

/// Exact count from the shape alone; lowering declares exactly these parameters (a test holds both
/// together).
ParameterCount count_parameters(const ModelSpec& model);

/// Parameters that one token meets: of the routed experts top_k, of everything else all (shared
/// experts, routers, norms, biases). A dense model's are all active. The convention is part of the
/// name; published "active" counts follow one or the other, and round.
struct ActiveParameters {
  std::int64_t with_embedding = 0;  ///< token table and head included
  std::int64_t without_input_embedding =
      0;  ///< less the token table, unless the head is tied to it
};
ActiveParameters count_active_parameters(const ModelSpec& model);

/// FLOPs to train on one token, forward and backward, without recomputation. Of the experts only
/// the active ones count, and the router. The convention is part of the name.
struct FlopsPerToken {
  double six_n;        ///< 6 x active parameters, embedding included ("6ND" divided by D)
  double causal;       ///< matrix products + attention over the causal half
  double full_square;  ///< matrix products + attention over the full square, as PaLM and torchtitan
                       ///< count
};
FlopsPerToken flops_per_token(const ModelSpec& model, int seq_len);

}  // namespace aforo
