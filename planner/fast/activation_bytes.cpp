#include "planner/fast/activation_bytes.h"

#include <algorithm>

namespace aforo::fast {
namespace {

/// Sums for one layer; bytes per token until the end.
class Layer {
 public:
  Layer(const Setup& setup, const MemoryStyle& style, bool moe_layer)
      : setup_(setup),
        style_(style),
        model_(*setup.model),
        moe_(moe_layer),
        trained_(setup.method == Method::full),
        inputs_kept_(trained_ || (setup.method == Method::qlora && style.quantized_inputs)),
        compiled_(setup.compiled || style.compiled),
        e_(setup.matrix <= MatrixType::tf32 || setup.unquantized_bytes > 2 ? 4 : 2),
        in_(style.fp8_inputs && setup.matrix >= MatrixType::fp8 ? 1 : e_),
        d_(model_.d_model),
        tp_(setup.parallel.tp),
        spread_(setup.parallel.sequence_parallel ? tp_ : 1) {}

  LayerActivations bytes() {
    norms();
    attention();
    if (moe_)
      experts();
    else
      mlp(model_.mlp.d_ff / tp_, 1);
    if (setup_.dropout) keep(2 * d_ / spread_);
    return totals();
  }

 private:
  void keep(double bytes) { all_ += bytes, kept_ += bytes; }
  void keep_unless(bool recomputed, double bytes) {
    all_ += bytes;
    if (!recomputed) kept_ += bytes;
  }
  bool by_products() const { return setup_.recompute.alternate_products; }

  void norms() {
    const double n = model_.block == BlockKind::sandwich ? 4 : 2;
    const bool one = model_.block == BlockKind::parallel_one_norm;
    const bool fused = compiled_ || model_.norm.kind == NormKind::layer_norm;
    const bool parallel = one || model_.block == BlockKind::parallel;
    const double inputs = one || (parallel && fused) ? 1 : n;  // both norms read the same tensor
    const double again = setup_.recompute.out && inputs > 1 ? inputs - 1 : 0;  // behind attention
    const double input = fused ? e_ : std::max(style_.norm_bytes, e_);
    // Computing a norm again takes its input, without copies in fp32.
    keep_unless(by_products(), (inputs - again) * e_ * d_ / spread_);
    all_ += again * e_ * d_ / spread_;
    keep_unless(by_products() || setup_.recompute.norm, inputs * (input - e_) * d_ / spread_);
    if (by_products()) kept_ += e_ * d_ / spread_;  // the layer's input
    if (trained_ && !fused)
      keep_unless(by_products() || setup_.recompute.norm,
                  n * style_.norm_weight_bytes * d_ / spread_);
    const double outputs = inputs_kept_ || style_.norm_output ? (one ? 1 : 2) : 0;
    // A product that gathers a sequence-parallel input keeps its shard only.
    keep_unless(by_products() || setup_.recompute.norm, outputs * in_ * d_ / spread_);
  }

  /// Adapters on `n` matrices that read one input of `in` and write `out` together.
  void adapter(bool present, double n, double in, double out) {
    if (setup_.method == Method::full) return;
    if (setup_.adapter == AdapterKind::scale) keep(e_ * out);
    if (setup_.adapter != AdapterKind::low_rank || !present) return;
    const bool own_copy = style_.adapter_bytes != e_;
    const bool kept_anyway = !own_copy && (inputs_kept_ || style_.norm_output);
    if (!kept_anyway) keep_unless(by_products(), (own_copy ? n : 1) * style_.adapter_bytes * in);
  }

  void attention() {
    const double q = model_.q_width() / tp_, out = model_.attention_width() / tp_;
    const double heads = model_.attention.n_heads / tp_;
    const MlaSpec& mla = model_.attention.mla;
    double keys = model_.kv_width() / tp_, values = keys;
    if (model_.is_mla()) {
      keys = q, values = out;
      keep(2 * e_ * (mla.q_lora_rank + mla.kv_lora_rank) + e_ * mla.qk_rope_head_dim);
    } else if (style_.repeated_kv && !compiled_) {
      keys = values = q;
    }
    const bool joint = style_.joint_qkv && !compiled_ && keys == q;
    const bool again = setup_.recompute.qkv;
    keep_unless(again, e_ * (q + (joint ? keys + values : 0)));
    keep_unless(by_products() || again, e_ * keys);
    keep_unless(again, e_ * values);
    if (model_.attention.qk_norm != QkNormKind::none) keep(e_ * (q + keys));
    adapter(setup_.lora.attention_qkv, style_.adapter_per_matrix ? 3 : 1, d_, q + keys + values);
    // Attention keeps its output anyway; only a copy of its own costs more.
    const bool copies = style_.adapter_bytes != e_;
    adapter(setup_.lora.attention_out && copies, 1, out, d_);
    if (setup_.flash_attention) {
      keep_unless(setup_.recompute.attention_core, e_ * out + 4 * heads);
      working(e_ * (q + keys + values + out) + 4 * q);  // gradients; dq sums in fp32
    } else {
      const double scores = heads * setup_.seq_len;
      const double bytes = style_.score_bytes + (setup_.dropout ? 3 : 0);
      keep_unless(setup_.recompute.attention_core, bytes * scores);
      keep(e_ * out);
      working(2 * e_ * scores + e_ * (q + keys + values));
    }
  }

  /// One MLP of local width `ff` for `share` tokens per token of the layer.
  void mlp(double ff, double share) {
    const bool gated = is_gated(model_.mlp.activation);
    const RecomputeCounts& r = setup_.recompute;
    const bool low_rank = !trained_ && setup_.adapter == AdapterKind::low_rank && setup_.lora.mlp;
    const bool product_kept = inputs_kept_ || (low_rank && style_.adapter_bytes == e_);
    const double inner = gated ? (compiled_ ? 2 : style_.gate_tensors) : 1;
    keep_unless(r.mlp_up, share * e_ * ff * (by_products() ? 1 : inner));
    if (by_products()) {
      all_ += share * e_ * ff * (inner - 1);
      kept_ += share * e_ * d_ / spread_;  // the last product's output
    }
    if (product_kept) keep_unless(r.activation || r.mlp_up || by_products(), share * in_ * ff);
    adapter(setup_.lora.mlp, gated ? 2 : 1, share * d_, share * (gated ? 2 : 1) * ff);
    adapter(setup_.lora.mlp && !product_kept, 1, share * ff, share * d_);
    working(share * e_ * ((gated ? 3 : 2) * ff + d_));
  }

  /// Routed tokens: permuted input, both products of an expert, and the router's fp32 scores.
  void experts() {
    const MoeSpec& moe = model_.moe;
    const double expert_tp = setup_.expert_tp > 0 ? setup_.expert_tp : tp_;
    const double share = style_.expert_imbalance * moe.top_k *
                         (setup_.parallel.sequence_parallel ? expert_tp / tp_ : 1);
    keep(share * e_ * d_);
    mlp(moe.d_ff / expert_tp, share);
    keep(share * e_ * d_);
    keep(3 * 4.0 * moe.n_experts / spread_);
    if (moe.d_ff_shared > 0) mlp(moe.d_ff_shared / tp_, 1);
  }

  void working(double bytes) { working_ = std::max(working_, bytes); }

  LayerActivations totals() const {
    const double tokens = tokens_of(setup_);
    return {tokens * e_ * d_ / spread_, tokens * kept_, tokens * all_,
            tokens * (working_ + 2 * e_ * d_ + (spread_ > 1 ? 2 * e_ * d_ : 0))};
  }

  const Setup& setup_;
  const MemoryStyle& style_;
  const ModelSpec& model_;
  const bool moe_, trained_;
  const bool inputs_kept_;  // by products with the base weights
  const bool compiled_;
  const double e_, in_;  // bytes of an element; of an input that a product keeps
  const double d_, tp_;
  const double spread_;  // what sequence parallelism divides tokens by
  double kept_ = 0, all_ = 0, working_ = 0;
};

}  // namespace

LayerActivations layer_activations(const Setup& setup, const MemoryStyle& style, bool moe_layer) {
  return Layer(setup, style, moe_layer).bytes();
}

}  // namespace aforo::fast
