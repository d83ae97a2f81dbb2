#pragma once
#include "planner/program/ops/cost.h"

namespace aforo {

/// Rotary position embedding of the q and k heads inside a packed qkv row; v passes through.
/// Pairs are (i, i + rotary_dim / 2) of the first rotary_dim dimensions of each head ("rotate
/// half"); the angle of pair i at position t = row % seq_len is t * theta^(-2 i / rotary_dim).
/// `inverse` turns back: the gradient.
///   reads   qkv [rows, (n_heads + 2 n_kv_heads) * head_dim]      writes  qkv' as qkv
struct Rope {
  static constexpr const char* name = "rope";
  std::int64_t rows, seq_len, n_heads, n_kv_heads, head_dim, rotary_dim;
  double theta;
  bool inverse;
};

/// Causal self-attention over packed qkv, without storing scores.
///   out[t] = sum_j softmax_j(scale q[t] k[j] + slope_h (j - t)) v[j],  t - window < j <= t (window
///   0: all j <= t)
/// Query head h uses key/value head h / (n_heads / n_kv_heads). `alibi`: slope_h of the ALiBi
/// paper, else 0.
///   reads   qkv [batch*seq_len, (n_heads + 2 n_kv_heads) * head_dim]
///   writes  out [batch*seq_len, n_heads * head_dim], lse fp32 [batch*n_heads, seq_len]: log of the
///   softmax denominator
/// Saved for backward: qkv, out, lse.
struct Attention {
  static constexpr const char* name = "attention";
  std::int64_t batch, seq_len, n_heads, n_kv_heads, head_dim, window;
  float scale;
  bool alibi;
};

/// Gradient of Attention with respect to qkv; recomputes the scores from lse.
///   reads   dout, qkv, out, lse      writes  dqkv as qkv (all of it)
struct AttentionBackward {
  static constexpr const char* name = "attention_backward";
  std::int64_t batch, seq_len, n_heads, n_kv_heads, head_dim, window;
  float scale;
  bool alibi;
};

/// Pairs (query, key) that a causal window lets through, per sequence and head.
inline double visible_pairs(std::int64_t seq_len, std::int64_t window) {
  const double t = static_cast<double>(seq_len);
  if (window <= 0 || window >= seq_len) return t * (t + 1) / 2;
  const double w = static_cast<double>(window);
  return w * (w + 1) / 2 + (t - w) * w;
}

inline Cost cost(const Rope& op, const OperandBytes& size) {
  return {6.0 * op.rows * (op.n_heads + op.n_kv_heads) * op.rotary_dim / 2, size.total()};
}
/// Two products of 2 head_dim FLOPs per visible pair; the softmax itself is not counted.
inline Cost cost(const Attention& op, const OperandBytes& size) {
  return {4.0 * op.head_dim * op.batch * op.n_heads * visible_pairs(op.seq_len, op.window),
          size.total()};
}
/// Five products: scores again, dv, dp, dq, dk.
inline Cost cost(const AttentionBackward& op, const OperandBytes& size) {
  return {10.0 * op.head_dim * op.batch * op.n_heads * visible_pairs(op.seq_len, op.window),
          size.total()};
}

}  // namespace aforo
