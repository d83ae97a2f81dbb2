// Activation [rows, cols] and its gradient. Flat over elements; gated kinds by rows of [gate | up].
// A thread owns a contiguous part. Arithmetic in fp32, one exp and one division per element, so
// that it hides behind the memory traffic.
#include "runtime/cpu/ops/fp32_block.h"

namespace aforo::cpu::AFORO_ISA {
namespace {

/// y = act(x) and, at the same x, dy/dx.
struct ValueAndSlope {
  Vec value, slope;
};

template <ActivationKind kind>
struct Curve;

template <>
struct Curve<ActivationKind::gelu> {
  AFORO_INLINE static Vec normal_cdf(Vec x) {
    return splat(0.5f) + splat(0.5f) * erf(x * splat(0.70710678f));  // 1 / sqrt(2)
  }
  AFORO_INLINE static Vec value(Vec x) { return x * normal_cdf(x); }
  AFORO_INLINE static ValueAndSlope both(Vec x) {
    const Vec cdf = normal_cdf(x);
    const Vec density = splat(0.39894228f) * exp(splat(-0.5f) * x * x);  // 1 / sqrt(2 pi)
    return {x * cdf, cdf + x * density};
  }
};

/// 0.5 x (1 + tanh(u)) is x sigmoid(2 u), which also keeps its relative accuracy for negative x.
template <>
struct Curve<ActivationKind::gelu_tanh> {
  static constexpr float slope_at_0 = 1.59576912f;  // 2 sqrt(2 / pi)
  static constexpr float cubic = 0.044715f;

  // Beyond |x| = 10 the sigmoid is 0 or 1; holding x^2 there keeps infinity out of the products
  // below.
  AFORO_INLINE static Vec square(Vec x) { return min(x * x, splat(100.0f)); }
  AFORO_INLINE static Vec gate(Vec x, Vec x2) {
    return sigmoid(splat(slope_at_0) * x * (splat(1.0f) + splat(cubic) * x2));
  }
  AFORO_INLINE static Vec value(Vec x) { return x * gate(x, square(x)); }
  AFORO_INLINE static ValueAndSlope both(Vec x) {
    const Vec x2 = square(x), s = gate(x, x2);
    const Vec du = splat(slope_at_0) * (splat(1.0f) + splat(3 * cubic) * x2);
    return {x * s, s + x * (s * (splat(1.0f) - s)) * du};
  }
};

template <>
struct Curve<ActivationKind::relu> {
  // Written so that NaN passes through.
  AFORO_INLINE static Vec value(Vec x) { return x < splat(0.0f) ? splat(0.0f) : x; }
  AFORO_INLINE static ValueAndSlope both(Vec x) {
    return {value(x), x > splat(0.0f) ? splat(1.0f) : splat(0.0f)};
  }
};

template <>
struct Curve<ActivationKind::relu2> {
  AFORO_INLINE static Vec value(Vec x) {
    const Vec y = Curve<ActivationKind::relu>::value(x);
    return y * y;
  }
  AFORO_INLINE static ValueAndSlope both(Vec x) {
    const Vec y = Curve<ActivationKind::relu>::value(x);
    return {y * y, y + y};
  }
};

template <>
struct Curve<ActivationKind::silu> {
  AFORO_INLINE static Vec value(Vec x) { return x * sigmoid(x); }
  AFORO_INLINE static ValueAndSlope both(Vec x) {
    const Vec s = sigmoid(x), y = x * s;
    return {y, s + y * (splat(1.0f) - s)};
  }
};

/// Calls f(Curve) for the function that `kind` applies to its input or gate.
template <typename F>
void with_curve(ActivationKind kind, F f) {
  switch (kind) {
    case ActivationKind::gelu:
      return f(Curve<ActivationKind::gelu>{});
    case ActivationKind::geglu:
    case ActivationKind::gelu_tanh:
      return f(Curve<ActivationKind::gelu_tanh>{});
    case ActivationKind::relu:
      return f(Curve<ActivationKind::relu>{});
    case ActivationKind::relu2:
      return f(Curve<ActivationKind::relu2>{});
    case ActivationKind::silu:
    case ActivationKind::swiglu:
      return f(Curve<ActivationKind::silu>{});
  }
  kernel_error("activation: unknown kind");
}

template <typename Curve, typename T>
void forward(const T* x, T* y, std::int64_t numel) {
  Block x_block, y_block;
  for_blocks(numel, [&](std::int64_t begin, std::int64_t n) {
    const float* in = in_fp32(x + begin, n, x_block);
    float* out = place_for(y + begin, y_block);
    for_vectors(n, [&](std::int64_t i, auto part) {
      part.store(out + i, Curve::value(part.load(in + i)));
    });
    put(out, y + begin, n);
  });
}

template <typename Curve, typename T>
void backward(const T* dy, const T* x, T* dx, std::int64_t numel) {
  Block dy_block, x_block, dx_block;
  for_blocks(numel, [&](std::int64_t begin, std::int64_t n) {
    const float *d = in_fp32(dy + begin, n, dy_block), *in = in_fp32(x + begin, n, x_block);
    float* out = place_for(dx + begin, dx_block);
    for_vectors(n, [&](std::int64_t i, auto part) {
      part.store(out + i, part.load(d + i) * Curve::both(part.load(in + i)).slope);
    });
    put(out, dx + begin, n);
  });
}

/// One row: y = act(gate) * up.
template <typename Curve, typename T>
void gated_forward(const T* gate, const T* up, T* y, std::int64_t cols) {
  Block gate_block, up_block, y_block;
  for_blocks(cols, [&](std::int64_t begin, std::int64_t n) {
    const float* g = in_fp32(gate + begin, n, gate_block);
    const float* u = in_fp32(up + begin, n, up_block);
    float* out = place_for(y + begin, y_block);
    for_vectors(n, [&](std::int64_t i, auto part) {
      part.store(out + i, Curve::value(part.load(g + i)) * part.load(u + i));
    });
    put(out, y + begin, n);
  });
}

/// One row: dgate = dy * up * act'(gate), dup = dy * act(gate).
template <typename Curve, typename T>
void gated_backward(const T* dy, const T* gate, const T* up, T* dgate, T* dup, std::int64_t cols) {
  Block dy_block, gate_block, up_block, dgate_block, dup_block;
  for_blocks(cols, [&](std::int64_t begin, std::int64_t n) {
    const float* d = in_fp32(dy + begin, n, dy_block);
    const float* g = in_fp32(gate + begin, n, gate_block);
    const float* u = in_fp32(up + begin, n, up_block);
    float* dg = place_for(dgate + begin, dgate_block);
    float* du = place_for(dup + begin, dup_block);
    for_vectors(n, [&](std::int64_t i, auto part) {
      const Vec di = part.load(d + i), ui = part.load(u + i);
      const ValueAndSlope at = Curve::both(part.load(g + i));
      part.store(dg + i, di * ui * at.slope);
      part.store(du + i, di * at.value);
    });
    put(dg, dgate + begin, n);
    put(du, dup + begin, n);
  });
}

/// Calls f(T{}, Curve{}).
template <typename F>
void dispatch(ActivationKind kind, Dtype dtype, const char* name, F f) {
  with_type(dtype, name, [&](auto zero) { with_curve(kind, [&](auto curve) { f(zero, curve); }); });
}

}  // namespace

void run(const Activation& op, const KernelArgs& args) {
  dispatch(op.kind, args.read_types[0], op.name, [&]<typename T, typename Curve>(T, Curve) {
    const T* x = args.in<T>(0);
    T* y = args.out<T>(0);
    if (!is_gated(op.kind))
      return parallel_elements(
          op.rows * op.cols, 2 * sizeof(T), args.n_threads,
          [&](auto begin, auto end) { forward<Curve>(x + begin, y + begin, end - begin); });
    parallel_rows(op.rows, 3 * op.cols * sizeof(T), args.n_threads, [&](auto begin, auto end) {
      for (std::int64_t r = begin; r < end; ++r)
        gated_forward<Curve>(x + 2 * r * op.cols, x + (2 * r + 1) * op.cols, y + r * op.cols,
                             op.cols);
    });
  });
}

void run(const ActivationBackward& op, const KernelArgs& args) {
  dispatch(op.kind, args.read_types[1], op.name, [&]<typename T, typename Curve>(T, Curve) {
    const T *dy = args.in<T>(0), *x = args.in<T>(1);
    T* dx = args.out<T>(0);
    if (!is_gated(op.kind))
      return parallel_elements(op.rows * op.cols, 3 * sizeof(T), args.n_threads,
                               [&](auto begin, auto end) {
                                 backward<Curve>(dy + begin, x + begin, dx + begin, end - begin);
                               });
    parallel_rows(op.rows, 5 * op.cols * sizeof(T), args.n_threads, [&](auto begin, auto end) {
      for (std::int64_t r = begin; r < end; ++r)
        gated_backward<Curve>(dy + r * op.cols, x + 2 * r * op.cols, x + (2 * r + 1) * op.cols,
                              dx + 2 * r * op.cols, dx + (2 * r + 1) * op.cols, op.cols);
    });
  });
}

}  // namespace aforo::cpu::AFORO_ISA
