#pragma once
// Sizes, activations, heads, rope and sliding windows as Hugging Face's config.json files write
// them.

#include "planner/spec/huggingface_config.h"
#include "planner/spec/model.h"

namespace aforo {

/// hidden_act of a plain MLP, or of one with a gate. Throw InputError on a name that is not known.
ActivationKind activation(const HuggingFaceConfig& config, const std::string& fallback);
ActivationKind gated_activation(const HuggingFaceConfig& config);

AttentionSpec heads(const HuggingFaceConfig& config, int d_model);

/// Layers, width, vocabulary, context and heads; the rest as a ModelSpec has it.
ModelSpec sizes(const HuggingFaceConfig& config);

/// Rope, RMS norms, a gated MLP, no biases unless asked for: the descendants of Llama.
ModelSpec llama_like(const HuggingFaceConfig& config, double epsilon = 1e-6, double theta = 10000);

/// rope_theta and the rotated share, at the top of the file (old) or in rope_parameters (new).
/// Where full and sliding layers have different bases, that of the full ones.
PositionSpec rope(const HuggingFaceConfig& config, double theta, double fraction);

/// Sliding window of all layers, or with `every` above 0 of all but each `every`-th; layer_types
/// decides where the file has it. `window` is the default; an explicit null means none. Throws
/// InputError if layer_types has another pattern.
void set_window(const HuggingFaceConfig& config, ModelSpec& model, int window, int every);

/// Qwen's way: none unless use_sliding_window, and then from layer max_window_layers on.
void set_late_window(const HuggingFaceConfig& config, ModelSpec& model);

struct MptAttention {
  bool alibi = true;
  int kv_heads = 0;  ///< 0: as many as heads
  int n_kv_heads(int n_heads) const { return kv_heads == 0 ? n_heads : kv_heads; }
};
/// MPT's attn_config. Throws InputError on what is not supported: rope, q/k norms, prefixes.
MptAttention mpt_attention(const HuggingFaceConfig& config);

}  // namespace aforo
