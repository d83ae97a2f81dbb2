#pragma once
#include "planner/program/ops/cost.h"
#include "planner/spec/model.h"

namespace aforo {

/// Activation function. Gated kinds (swiglu, geglu) read rows of [gate | up] and give act(gate) *
/// up.
///   reads   x [rows, cols] or [rows, 2 cols] if gated      writes  y [rows, cols]
/// gelu is exact (erf); geglu uses gelu_tanh; relu2 is relu squared. Saved for backward: x.
struct Activation {
  static constexpr const char* name = "activation";
  std::int64_t rows, cols;
  ActivationKind kind;
};

/// Gradient of Activation.   reads  dy [rows, cols], x      writes  dx as x
struct ActivationBackward {
  static constexpr const char* name = "activation_backward";
  std::int64_t rows, cols;
  ActivationKind kind;
};

/// c = a + b.   reads  a, b (one shape and type)      writes  c
struct Add {
  static constexpr const char* name = "add";
  std::int64_t numel;
};

/// dst = src, converted to the type of dst (to nearest even).   reads  src      writes  dst
struct Cast {
  static constexpr const char* name = "cast";
  std::int64_t numel;
};

/// dst = value.   writes  dst (fp32 or fp64)
struct Fill {
  static constexpr const char* name = "fill";
  std::int64_t numel;
  float value;
};

inline Cost cost(const Activation& op, const OperandBytes& size) {
  return {(is_gated(op.kind) ? 10.0 : 8.0) * op.rows * op.cols, size.total()};
}
inline Cost cost(const ActivationBackward& op, const OperandBytes& size) {
  return {(is_gated(op.kind) ? 16.0 : 12.0) * op.rows * op.cols, size.total()};
}
inline Cost cost(const Add& op, const OperandBytes& size) { return {1.0 * op.numel, size.total()}; }
inline Cost cost(const Cast&, const OperandBytes& size) { return {0, size.total()}; }
inline Cost cost(const Fill&, const OperandBytes& size) { return {0, size.total()}; }

}  // namespace aforo
