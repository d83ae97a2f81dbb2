#pragma once
// The attributes of every op as (name, value) pairs: printing and fingerprints read them from here.

#include <string_view>

#include "planner/program/op.h"

namespace aforo {

template <typename F>
void fields(const Activation& o, F f) {
  f("rows", o.rows);
  f("cols", o.cols);
  f("kind", o.kind);
}
template <typename F>
void fields(const ActivationBackward& o, F f) {
  f("rows", o.rows);
  f("cols", o.cols);
  f("kind", o.kind);
}
template <typename F>
void fields(const AdamW& o, F f) {
  f("numel", o.numel);
  f("beta1", o.beta1);
  f("beta2", o.beta2);
  f("epsilon", o.epsilon);
  f("weight_decay", o.weight_decay);
  f("has_copy", o.has_copy);
}
template <typename F>
void fields(const Add& o, F f) {
  f("numel", o.numel);
}
template <typename F>
void fields(const AllGather& o, F f) {
  f("numel", o.numel);
  f("n_ranks", o.n_ranks);
  f("stride", o.stride);
}
template <typename Op, typename F>
void reduction_fields(const Op& o, F f) {
  f("numel", o.numel);
  f("n_ranks", o.n_ranks);
  f("stride", o.stride);
  f("accumulate", o.accumulate);
}
template <typename F>
void fields(const AllReduce& o, F f) {
  reduction_fields(o, f);
}
template <typename Op, typename F>
void attention_fields(const Op& o, F f) {
  f("batch", o.batch);
  f("seq_len", o.seq_len);
  f("n_heads", o.n_heads);
  f("n_kv_heads", o.n_kv_heads);
  f("head_dim", o.head_dim);
  f("window", o.window);
  f("scale", o.scale);
  f("alibi", o.alibi);
}
template <typename F>
void fields(const Attention& o, F f) {
  attention_fields(o, f);
}
template <typename F>
void fields(const AttentionBackward& o, F f) {
  attention_fields(o, f);
}
template <typename F>
void fields(const Cast& o, F f) {
  f("numel", o.numel);
}
template <typename F>
void fields(const ColumnSum& o, F f) {
  f("rows", o.rows);
  f("cols", o.cols);
  f("accumulate", o.accumulate);
}
template <typename F>
void fields(const CrossEntropy& o, F f) {
  f("rows", o.rows);
  f("vocab", o.vocab);
  f("has_gradient", o.has_gradient);
  f("gradient_scale", o.gradient_scale);
}
template <typename F>
void fields(const Embedding& o, F f) {
  f("rows", o.rows);
  f("seq_len", o.seq_len);
  f("d_model", o.d_model);
  f("vocab", o.vocab);
  f("has_positions", o.has_positions);
  f("scale", o.scale);
}
template <typename F>
void fields(const EmbeddingBackward& o, F f) {
  f("rows", o.rows);
  f("seq_len", o.seq_len);
  f("d_model", o.d_model);
  f("vocab", o.vocab);
  f("has_positions", o.has_positions);
  f("scale", o.scale);
  f("accumulate_tokens", o.accumulate_tokens);
  f("accumulate_positions", o.accumulate_positions);
}
template <typename F>
void fields(const Fill& o, F f) {
  f("numel", o.numel);
  f("value", o.value);
}
template <typename F>
void fields(const Gemm& o, F f) {
  f("m", o.m);
  f("n", o.n);
  f("k", o.k);
  f("trans_a", o.trans_a);
  f("trans_b", o.trans_b);
  f("has_bias", o.has_bias);
  f("accumulate", o.accumulate);
}
template <typename F>
void fields(const GradientNorm& o, F f) {
  f("numel", o.numel);
}
template <typename F>
void fields(const LayerNorm& o, F f) {
  f("rows", o.rows);
  f("cols", o.cols);
  f("epsilon", o.epsilon);
  f("has_weight", o.has_weight);
  f("has_bias", o.has_bias);
}
template <typename F>
void fields(const LayerNormBackward& o, F f) {
  f("rows", o.rows);
  f("cols", o.cols);
  f("has_weight", o.has_weight);
  f("has_bias", o.has_bias);
  f("accumulate_dx", o.accumulate_dx);
  f("accumulate_weights", o.accumulate_weights);
}
template <typename F>
void fields(const NormPartials& o, F f) {
  f("numel", o.numel);
}
template <typename F>
void fields(const NormTotal& o, F f) {
  f("n_sums", o.n_sums);
  f("n_ranks", o.n_ranks);
}
template <typename F>
void fields(const QkNorm& o, F f) {
  f("rows", o.rows);
  f("n_heads", o.n_heads);
  f("n_kv_heads", o.n_kv_heads);
  f("head_dim", o.head_dim);
  f("epsilon", o.epsilon);
  f("per_head", o.per_head);
}
template <typename F>
void fields(const QkNormBackward& o, F f) {
  f("rows", o.rows);
  f("n_heads", o.n_heads);
  f("n_kv_heads", o.n_kv_heads);
  f("head_dim", o.head_dim);
  f("per_head", o.per_head);
  f("accumulate_weights", o.accumulate_weights);
}
template <typename F>
void fields(const ReduceScatter& o, F f) {
  reduction_fields(o, f);
  f("inner", o.inner);
}
template <typename F>
void fields(const RmsNorm& o, F f) {
  f("rows", o.rows);
  f("cols", o.cols);
  f("epsilon", o.epsilon);
  f("has_weight", o.has_weight);
}
template <typename F>
void fields(const RmsNormBackward& o, F f) {
  f("rows", o.rows);
  f("cols", o.cols);
  f("has_weight", o.has_weight);
  f("accumulate_dx", o.accumulate_dx);
  f("accumulate_weights", o.accumulate_weights);
}
template <typename F>
void fields(const Rope& o, F f) {
  f("rows", o.rows);
  f("seq_len", o.seq_len);
  f("n_heads", o.n_heads);
  f("n_kv_heads", o.n_kv_heads);
  f("head_dim", o.head_dim);
  f("rotary_dim", o.rotary_dim);
  f("theta", o.theta);
  f("inverse", o.inverse);
}
template <typename F>
void fields(const Sgd& o, F f) {
  f("numel", o.numel);
  f("momentum", o.momentum);
  f("weight_decay", o.weight_decay);
  f("has_momentum", o.has_momentum);
  f("has_copy", o.has_copy);
}
template <typename F>
void fields(const StepControl& o, F f) {
  f("clip_norm", o.clip_norm);
  f("dynamic_loss_scale", o.dynamic_loss_scale);
  f("growth_interval", o.growth_interval);
}
template <typename F>
void fields(const SumLoss& o, F f) {
  f("rows", o.rows);
  f("seq_len", o.seq_len);
}

}  // namespace aforo
