#pragma once
#include "planner/program/ops/cost.h"

namespace aforo {

/// Layer norm over the last axis.  y = (x - mean) * rstd * weight + bias,  rstd = 1 / sqrt(var(x) +
/// epsilon)
///   reads   x [rows, cols], weight fp32 [cols] if has_weight, bias fp32 [cols] if has_bias
///   writes  y as x, mean fp32 [rows], rstd fp32 [rows]
/// Saved for backward: x, mean, rstd. Sums in fp32.
struct LayerNorm {
  static constexpr const char* name = "layer_norm";
  std::int64_t rows, cols;
  float epsilon;
  bool has_weight, has_bias;
};

/// Gradients of LayerNorm.
///   reads   dy, x, mean, rstd, [weight], [dx if accumulate_dx], [dweight], [dbias if
///   accumulate_weights] writes  dx as x, dweight fp32 [cols] if has_weight, dbias fp32 [cols] if
///   has_bias
/// dweight and dbias sum over rows in ascending order.
struct LayerNormBackward {
  static constexpr const char* name = "layer_norm_backward";
  std::int64_t rows, cols;
  bool has_weight, has_bias;
  bool accumulate_dx, accumulate_weights;
};

/// RMS norm over the last axis.  y = x * rstd * weight,  rstd = 1 / sqrt(mean(x^2) + epsilon)
///   reads   x [rows, cols], weight fp32 [cols] if has_weight
///   writes  y as x, rstd fp32 [rows]
/// Saved for backward: x, rstd. Sums in fp32.
struct RmsNorm {
  static constexpr const char* name = "rms_norm";
  std::int64_t rows, cols;
  float epsilon;
  bool has_weight;
};

/// Gradients of RmsNorm.
///   reads   dy, x, rstd, [weight], [dx if accumulate_dx], [dweight if accumulate_weights]
///   writes  dx as x, dweight fp32 [cols] if has_weight
struct RmsNormBackward {
  static constexpr const char* name = "rms_norm_backward";
  std::int64_t rows, cols;
  bool has_weight;
  bool accumulate_dx, accumulate_weights;
};

/// RMS norm of the q and k heads inside a packed qkv row; v passes through.
///   per_head: each head of head_dim is a row of its own, one weight [head_dim] for q, one for k
///   else:     all q heads together are one row with weight [n_heads * head_dim]; k alike
///   reads   qkv [rows, (n_heads + 2 n_kv_heads) * head_dim], q_weight fp32, k_weight fp32
///   writes  qkv' as qkv, rstd fp32 [rows, n_heads + n_kv_heads] (per_head) or [rows, 2]
struct QkNorm {
  static constexpr const char* name = "qk_norm";
  std::int64_t rows, n_heads, n_kv_heads, head_dim;
  float epsilon;
  bool per_head;
};

/// Gradients of QkNorm; the v part of dqkv' passes through.
///   reads   dqkv' (of the output), qkv (the input), rstd, q_weight, k_weight, [dq_weight,
///   dk_weight if accumulate_weights] writes  dqkv as qkv, dq_weight fp32, dk_weight fp32
struct QkNormBackward {
  static constexpr const char* name = "qk_norm_backward";
  std::int64_t rows, n_heads, n_kv_heads, head_dim;
  bool per_head;
  bool accumulate_weights;
};

inline Cost cost(const LayerNorm& op, const OperandBytes& size) {
  return {8.0 * op.rows * op.cols, size.total()};
}
inline Cost cost(const LayerNormBackward& op, const OperandBytes& size) {
  return {14.0 * op.rows * op.cols, size.total()};
}
inline Cost cost(const RmsNorm& op, const OperandBytes& size) {
  return {4.0 * op.rows * op.cols, size.total()};
}
inline Cost cost(const RmsNormBackward& op, const OperandBytes& size) {
  return {10.0 * op.rows * op.cols, size.total()};
}
inline Cost cost(const QkNorm& op, const OperandBytes& size) {
  return {4.0 * op.rows * (op.n_heads + op.n_kv_heads) * op.head_dim, size.total()};
}
inline Cost cost(const QkNormBackward& op, const OperandBytes& size) {
  return {10.0 * op.rows * (op.n_heads + op.n_kv_heads) * op.head_dim, size.total()};
}

}  // namespace aforo
