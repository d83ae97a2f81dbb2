#include "planner/lower/blocks/transformer.h"

#include <fmt/format.h>

#include <cmath>

namespace aforo {
namespace {

class Transformer {
 public:
  Transformer(Builder& builder, const Lowering& lowering, Phase phase)
      : builder_(builder),
        lowering_(lowering),
        model_(lowering.job.model),
        phase_(phase),
        dtype_(lowering.recipe.compute),
        rows_(lowering.program.rows),
        seq_len_(lowering.job.seq_len) {}

  ForwardResult emit(bool has_gradient) {
    BufferId x = embedding();
    for (int i = 0; i < model_.n_layers; ++i) x = block(x, i);
    return head(x, has_gradient);
  }

 private:
  void label(const char* part, int layer = -1) {
    builder_.label = {phase_, static_cast<std::int16_t>(layer), part};
    layer_ = layer;
  }
  void part(const char* part) { label(part, layer_); }

  BufferId activation(const char* name, std::int64_t cols) {
    return builder_.activation(full_name(name), rows_, cols, dtype_);
  }
  std::string full_name(const char* name) const {
    const char* prefix = phase_ == Phase::evaluate ? "eval." : "";
    return layer_ < 0 ? fmt::format("{}{}", prefix, name)
                      : fmt::format("{}L{:02d}.{}", prefix, layer_, name);
  }

  BufferId embedding() {
    label("embedding");
    const ModelWeights& w = lowering_.weights;
    const BufferId x = activation("x", model_.d_model);
    Ids reads{lowering_.program.ports.tokens, w.wte};
    const bool has_positions = w.wpe != no_buffer;
    if (has_positions) reads.push_back(w.wpe);
    builder_.emit(Embedding{rows_, seq_len_, model_.d_model, model_.vocab_size, has_positions,
                            static_cast<float>(model_.embedding_scale)},
                  reads, {x});
    return model_.embedding_norm ? norm(x, w.embedding_norm, "embedding_norm", "embedding_norm")
                                 : x;
  }

  BufferId norm(BufferId x, const NormWeights& w, const char* part_name, const char* name) {
    part(part_name);
    const BufferId y = activation(name, model_.d_model);
    const BufferId rstd = builder_.row_statistics(full_name("rstd"), rows_);
    const bool has_weight = w.weight != no_buffer, has_bias = w.bias != no_buffer;
    const float epsilon = static_cast<float>(model_.norm.epsilon);
    Ids reads{x};
    if (has_weight) reads.push_back(w.weight);
    if (has_bias) reads.push_back(w.bias);
    if (model_.norm.kind == NormKind::rms_norm) {
      builder_.emit(RmsNorm{rows_, model_.d_model, epsilon, has_weight}, reads, {y, rstd});
    } else {
      const BufferId mean = builder_.row_statistics(full_name("mean"), rows_);
      builder_.emit(LayerNorm{rows_, model_.d_model, epsilon, has_weight, has_bias}, reads,
                    {y, mean, rstd});
    }
    return y;
  }

  BufferId linear(BufferId x, BufferId weight, BufferId bias, const char* part_name,
                  const char* name) {
    part(part_name);
    const Shape shape = builder_.buffer(weight).shape;  // [out, in]
    const BufferId y = activation(name, shape.rows);
    Ids reads{x, weight};
    if (bias != no_buffer) reads.push_back(bias);
    builder_.emit(Gemm{rows_, shape.rows, shape.cols, false, true, bias != no_buffer, false}, reads,
                  {y});
    return y;
  }

  BufferId add(BufferId a, BufferId b, const char* part_name, const char* name) {
    part(part_name);
    const BufferId sum = activation(name, model_.d_model);
    builder_.emit(Add{rows_ * model_.d_model}, {a, b}, {sum});
    return sum;
  }

  BufferId attention(BufferId x, const LayerWeights& w) {
    const AttentionSpec& spec = model_.attention;
    BufferId qkv = linear(x, w.qkv, w.qkv_bias, "attention.qkv", "qkv");
    if (spec.qk_norm != QkNormKind::none) qkv = qk_norm(qkv, w);
    if (model_.position.kind == PositionKind::rope) qkv = rope(qkv);
    part("attention.core");
    const std::int64_t batch = rows_ / seq_len_;
    const BufferId out = activation("attention", model_.q_width());
    const BufferId lse = builder_.row_statistics(full_name("lse"), batch * spec.n_heads, seq_len_);
    const float scale = 1.0f / std::sqrt(static_cast<float>(spec.head_dim));
    builder_.emit(
        Attention{batch, seq_len_, spec.n_heads, spec.n_kv_heads, spec.head_dim,
                  model_.window_of(layer_), scale, model_.position.kind == PositionKind::alibi},
        {qkv}, {out, lse});
    return linear(out, w.out, w.out_bias, "attention.out", "attention_out");
  }

  BufferId qk_norm(BufferId qkv, const LayerWeights& w) {
    part("attention.qk_norm");
    const AttentionSpec& spec = model_.attention;
    const bool per_head = spec.qk_norm == QkNormKind::per_head;
    const BufferId normed = activation("qkv_normed", model_.qkv_width());
    const BufferId rstd = builder_.row_statistics(full_name("qk_rstd"), rows_,
                                                  per_head ? spec.n_heads + spec.n_kv_heads : 2);
    builder_.emit(QkNorm{rows_, spec.n_heads, spec.n_kv_heads, spec.head_dim,
                         static_cast<float>(model_.norm.epsilon), per_head},
                  {qkv, w.q_norm, w.k_norm}, {normed, rstd});
    return normed;
  }

  BufferId rope(BufferId qkv) {
    part("attention.rope");
    const AttentionSpec& spec = model_.attention;
    const BufferId rotated = activation("qkv_rope", model_.qkv_width());
    builder_.emit(Rope{rows_, seq_len_, spec.n_heads, spec.n_kv_heads, spec.head_dim,
                       model_.rotary_dim(), model_.position.theta, false},
                  {qkv}, {rotated});
    return rotated;
  }

  BufferId mlp(BufferId x, const LayerWeights& w) {
    const BufferId up = linear(x, w.up, w.up_bias, "mlp.up", "up");
    part("mlp.activation");
    const BufferId hidden = activation("hidden", model_.mlp.d_ff);
    builder_.emit(Activation{rows_, model_.mlp.d_ff, model_.mlp.activation}, {up}, {hidden});
    return linear(hidden, w.down, w.down_bias, "mlp.down", "mlp_out");
  }

  BufferId block(BufferId x, int index) {
    layer_ = index;
    const LayerWeights& w = lowering_.weights.layers[index];
    switch (model_.block) {
      case BlockKind::pre_norm: {
        const BufferId a = attention(norm(x, w.norm1, "norm1", "norm1"), w);
        const BufferId mid = add(x, a, "residual1", "mid");
        return add(mid, mlp(norm(mid, w.norm2, "norm2", "norm2"), w), "residual2", "x");
      }
      case BlockKind::parallel:
      case BlockKind::parallel_one_norm: {
        const BufferId normed = norm(x, w.norm1, "norm1", "norm1");
        const BufferId a = attention(normed, w);
        const bool two = model_.block == BlockKind::parallel;
        const BufferId m = mlp(two ? norm(x, w.norm2, "norm2", "norm2") : normed, w);
        return add(add(x, a, "residual1", "mid"), m, "residual2", "x");
      }
      case BlockKind::post_norm: {
        const BufferId a = norm(attention(x, w), w.norm1, "norm1", "norm1");
        const BufferId mid = add(x, a, "residual1", "mid");
        return add(mid, norm(mlp(mid, w), w.norm2, "norm2", "norm2"), "residual2", "x");
      }
      case BlockKind::sandwich: {
        const BufferId a = attention(norm(x, w.norm1, "norm1", "norm1"), w);
        const BufferId mid =
            add(x, norm(a, w.norm1_out, "norm1_out", "norm1_out"), "residual1", "mid");
        const BufferId m = mlp(norm(mid, w.norm2, "norm2", "norm2"), w);
        return add(mid, norm(m, w.norm2_out, "norm2_out", "norm2_out"), "residual2", "x");
      }
    }
    return no_buffer;
  }

  ForwardResult head(BufferId x, bool has_gradient) {
    label("final_norm");
    const ModelWeights& w = lowering_.weights;
    const ProgramPorts& ports = lowering_.program.ports;
    const BufferId normed = norm(x, w.final_norm, "final_norm", "final_norm");
    ForwardResult result;
    result.logits = linear(normed, w.lm_head, w.lm_head_bias, "lm_head", "logits");
    part("loss");
    BufferId losses = builder_.row_statistics(full_name("losses"), rows_);
    Ids reads{result.logits, ports.targets}, writes{losses};
    if (has_gradient) {
      result.logits_gradient = activation("d.logits", model_.vocab_size);
      reads.push_back(ports.control);
      writes.push_back(result.logits_gradient);
    }
    const float gradient_scale = 1.0f / static_cast<float>(lowering_.job.tokens_per_step());
    builder_.emit(CrossEntropy{rows_, model_.vocab_size, has_gradient, gradient_scale}, reads,
                  writes);
    const int n_ranks = lowering_.plan.parallel.dp;
    if (n_ranks > 1) losses = gather_losses(losses, n_ranks);
    builder_.emit(SumLoss{n_ranks * rows_, seq_len_}, {losses, ports.loss_sum}, {ports.loss_sum});
    return result;
  }

  /// Of all ranks, so that each adds them in the order of the batch, whatever the number of ranks.
  BufferId gather_losses(BufferId losses, int n_ranks) {
    const BufferId all = builder_.row_statistics(full_name("losses.all"), n_ranks * rows_);
    builder_.emit(AllGather{n_ranks * rows_, n_ranks}, {losses}, {all});
    return all;
  }

  Builder& builder_;
  const Lowering& lowering_;
  const ModelSpec& model_;
  Phase phase_;
  Dtype dtype_;
  std::int64_t rows_, seq_len_;
  int layer_ = -1;
};

}  // namespace

ForwardResult emit_transformer(Builder& builder, const Lowering& lowering, Phase phase,
                               bool has_gradient) {
  return Transformer(builder, lowering, phase).emit(has_gradient);
}

}  // namespace aforo
