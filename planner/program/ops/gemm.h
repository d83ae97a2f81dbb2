#pragma once
#include "planner/program/ops/cost.h"

namespace aforo {

/// Matrix product, row-major.  C[m, n] = op(A) op(B) (+ bias[n]) (+ C)
///   trans_a: A is stored [k, m], else [m, k].   trans_b: B is stored [n, k], else [k, n].
///   reads   A, B (one type: fp32, bf16 or fp16), bias fp32 [n] if has_bias, C if accumulate
///   writes  C (fp32, or the type of A)
/// Accumulates in fp32. A linear layer y = x W^T is {m: rows, n: out, k: in, trans_b}; its
/// gradients are dx = dy W (no transposition) and dW = dy^T x (trans_a).
struct Gemm {
  static constexpr const char* name = "gemm";
  std::int64_t m, n, k;
  bool trans_a, trans_b;
  bool has_bias;
  bool accumulate;
};

/// Column sums: the gradient of a bias.  s[c] (+)= sum_r x[r, c], rows in ascending order, in fp32.
///   reads   x [rows, cols], [s if accumulate]      writes  s fp32 [cols]
struct ColumnSum {
  static constexpr const char* name = "column_sum";
  std::int64_t rows, cols;
  bool accumulate;
};

inline Cost cost(const Gemm& op, const OperandBytes& size) {
  return {2.0 * op.m * op.n * op.k, size.total()};
}
inline Cost cost(const ColumnSum& op, const OperandBytes& size) {
  return {1.0 * op.rows * op.cols, size.total()};
}

}  // namespace aforo
