#include "planner/fast/layer_work.h"

#include <algorithm>

#include "planner/program/ops/attention.h"

namespace aforo::fast {
namespace {

/// Fills one LayerWork; `tokens` are those of this device.
class LayerWorker {
 public:
  LayerWorker(const Setup& setup, bool moe_layer)
      : setup_(setup),
        model_(*setup.model),
        moe_layer_(moe_layer),
        tokens_(local_tokens(setup)),
        tp_(setup.parallel.tp) {}

  LayerWork run() {
    if (model_.attention.mla.kv_lora_rank > 0)
      latent_projections();
    else
      projections();
    core();
    work_.first_mlp = work_.n_products;
    if (moe_layer_)
      experts();
    else
      mlp(model_.mlp.d_ff / tp_);
    passes();
    work_.trained += setup_.method == Method::full ? work_.weights : 0;
    return work_;
  }

 private:
  bool frozen() const { return setup_.method != Method::full; }

  /// y[tokens, out] = x[tokens, in] W, with an adapter beside it where LoRA has one.
  void linear(double in, double out, bool adapter) {
    work_.add({tokens_, out, in, 1, frozen(), false, true});
    work_.weights += in * out;
    if (setup_.method != Method::full && adapter) {
      work_.adapter_elements += tokens_ * (in + 2 * out);
      work_.trained += setup_.lora.rank * (in + out);
      work_.n_kernels += 4;
    }
  }

  void projections() {
    const AttentionSpec& attention = model_.attention;
    const double d = model_.d_model;
    const double kv = std::max(1.0, static_cast<double>(attention.n_kv_heads) / tp_);
    const double q = static_cast<double>(attention.n_heads) / tp_;
    linear(d, (q + 2 * kv) * attention.head_dim, setup_.lora.attention_qkv);
    linear(q * attention.head_dim, d, setup_.lora.attention_out);
    work_.core_elements = model_.position.kind == PositionKind::rope
                              ? 2 * tokens_ * (q + kv) * attention.head_dim
                              : 0;
    if (attention.qk_norm != QkNormKind::none)
      work_.core_elements += 2 * tokens_ * (q + kv) * attention.head_dim;
  }

  /// Queries and keys through their latents; products whose output is a latent are not split.
  void latent_projections() {
    const MlaSpec& mla = model_.attention.mla;
    const double d = model_.d_model;
    const double heads = static_cast<double>(model_.attention.n_heads) / tp_;
    const double qk = mla.qk_nope_head_dim + mla.qk_rope_head_dim;
    if (mla.q_lora_rank > 0) linear(d, mla.q_lora_rank, setup_.lora.attention_qkv);
    linear(mla.q_lora_rank > 0 ? mla.q_lora_rank : d, heads * qk, setup_.lora.attention_qkv);
    linear(d, mla.kv_lora_rank + mla.qk_rope_head_dim, setup_.lora.attention_qkv);
    linear(mla.kv_lora_rank, heads * (mla.qk_nope_head_dim + mla.v_head_dim),
           setup_.lora.attention_qkv);
    linear(heads * mla.v_head_dim, d, setup_.lora.attention_out);
    work_.core_elements = 4 * tokens_ * heads * qk;
  }

  void core() {
    const AttentionSpec& attention = model_.attention;
    const double seq = setup_.time_len();
    const double heads = static_cast<double>(attention.n_heads) / tp_;
    const MlaSpec& mla = attention.mla;
    work_.head_dim = mla.kv_lora_rank > 0
                         ? (mla.qk_nope_head_dim + mla.qk_rope_head_dim + mla.v_head_dim) / 2.0
                         : attention.head_dim;
    double pairs = 0;
    const double document = setup_.document_len > 0 ? setup_.document_len : seq;
    for (int i = 0; i < pattern_length(); ++i)
      pairs +=
          seq / document * visible_pairs(static_cast<std::int64_t>(document), model_.window_of(i));
    pairs /= pattern_length();
    const double share = setup_.micro_batch_size * heads / setup_.parallel.cp;
    work_.attention_flops = 4 * work_.head_dim * share * pairs;
    work_.score_elements = share * seq * seq;
    work_.context = document;
  }

  /// Layers after which the pattern of windows repeats.
  int pattern_length() const {
    return std::max(
        1, model_.attention.sliding_window > 0 ? model_.attention.full_attention_every : 1);
  }

  void mlp(double d_ff) {
    const double gate = is_gated(model_.mlp.activation) ? 2 : 1;
    linear(model_.d_model, gate * d_ff, setup_.lora.mlp);
    work_.n_up = work_.n_products - work_.first_mlp;
    linear(d_ff, model_.d_model, setup_.lora.mlp);
    work_.activation_elements += tokens_ * d_ff * (gate + 1);
  }

  /// Routed experts on the tokens that reach this device (all ranks of the expert group send as
  /// many as they get), shared experts, router.
  void experts() {
    const MoeSpec& moe = model_.moe;
    const double d = model_.d_model, gate = is_gated(model_.mlp.activation) ? 2 : 1;
    const double local = std::max(1.0, static_cast<double>(moe.n_experts) / setup_.parallel.ep);
    const double routed = tokens_ * moe.top_k;  // per device, whatever ep is
    const double d_ff = static_cast<double>(moe.d_ff) / tp_;
    work_.add({routed / local, gate * d_ff, d, local, frozen(), true, true});
    work_.add({routed / local, d, d_ff, local, frozen(), true, true});
    work_.n_up = 1;
    work_.expert_weights = local * (gate + 1) * d * d_ff;
    work_.weights += work_.expert_weights;
    work_.activation_elements += routed * d_ff * (gate + 1);
    work_.route_elements = 4 * routed * d;
    if (moe.d_ff_shared > 0) mlp(static_cast<double>(moe.d_ff_shared) / tp_);
    work_.add({tokens_, static_cast<double>(moe.n_experts), d, 1, frozen(), false, false});
    work_.weights += d * moe.n_experts;
    work_.n_kernels += 12;
  }

  void passes() {
    const bool two_norms_out = model_.block == BlockKind::sandwich;
    const bool one_norm = model_.block == BlockKind::parallel_one_norm;
    const double norms = one_norm ? 1 : two_norms_out ? 4 : 2;
    const double split = setup_.parallel.sequence_parallel ? tp_ : 1;
    work_.norm_elements = tokens_ * model_.d_model * (2 * norms + 6) / split;
    work_.n_kernels += static_cast<int>(norms) + 4;
  }

  const Setup& setup_;
  const ModelSpec& model_;
  bool moe_layer_;
  double tokens_;
  double tp_;
  LayerWork work_;
};

}  // namespace

double local_tokens(const Setup& setup) {
  return static_cast<double>(setup.micro_batch_size) * setup.time_len() / setup.parallel.cp;
}

LayerWork layer_work(const Setup& setup, bool moe_layer) {
  return LayerWorker(setup, moe_layer).run();
}

LayerCounts layer_counts(const ModelSpec& model) {
  if (!model.is_moe()) return {model.n_layers, 0};
  const int rest = std::max(0, model.n_layers - model.moe.first_dense_layers);
  const int moe = rest / std::max(1, model.moe.every);
  return {model.n_layers - moe, moe};
}

}  // namespace aforo::fast
