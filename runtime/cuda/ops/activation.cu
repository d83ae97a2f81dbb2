// Activation [rows, cols] and its gradient. Plain kinds are flat: a thread owns elements i, i +
// step, ... (launch.cuh). Gated kinds read rows of [gate | up]: a block owns a row, a thread its
// columns c, c + 256, ... Each operand crosses memory once: 2 (forward) or 3 (backward) tensors.
// About 8 and 12 FLOPs an element, 10 and 16 if gated, in fp32, with the library's exp and erf (2
// ulp), not the fast intrinsics. Deterministic. Plain version: one element per load.
#include "runtime/cuda/ops/activation.h"
#include "runtime/cuda/ops/element.cuh"
#include "runtime/cuda/ops/launch.cuh"

namespace aforo::cuda {
namespace {

/// y = act(x) and, at the same x, dy/dx.
struct ValueAndSlope {
  float value, slope;
};

__device__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

__device__ ValueAndSlope gelu(float x) {
  const float cdf = 0.5f + 0.5f * erff(x * 0.70710678f);    // 1 / sqrt(2)
  const float density = 0.39894228f * expf(-0.5f * x * x);  // 1 / sqrt(2 pi)
  return {x * cdf, cdf + x * density};
}

/// 0.5 x (1 + tanh(u)) is x sigmoid(2 u), which also keeps its relative accuracy for negative x.
__device__ ValueAndSlope gelu_tanh(float x) {
  constexpr float slope_at_0 = 1.59576912f;  // 2 sqrt(2 / pi)
  constexpr float cubic = 0.044715f;
  // Beyond |x| = 10 the sigmoid is 0 or 1; holding x^2 there keeps infinity out of the products
  // below.
  const float x2 = fminf(x * x, 100.0f);
  const float s = sigmoid(slope_at_0 * x * (1.0f + cubic * x2));
  const float du = slope_at_0 * (1.0f + 3 * cubic * x2);
  return {x * s, s + x * (s * (1.0f - s)) * du};
}

/// Written so that NaN passes through.
__device__ ValueAndSlope relu(float x) { return {x < 0.0f ? 0.0f : x, x > 0.0f ? 1.0f : 0.0f}; }

__device__ ValueAndSlope relu2(float x) {
  const float y = relu(x).value;
  return {y * y, y + y};
}

__device__ ValueAndSlope silu(float x) {
  const float s = sigmoid(x), y = x * s;
  return {y, s + y * (1.0f - s)};
}

/// The function that `kind` applies to its input or gate. What the caller does not use is not
/// computed.
template <ActivationKind kind>
__device__ ValueAndSlope curve(float x) {
  if constexpr (kind == ActivationKind::gelu) {
    return gelu(x);
  } else if constexpr (kind == ActivationKind::gelu_tanh || kind == ActivationKind::geglu) {
    return gelu_tanh(x);
  } else if constexpr (kind == ActivationKind::relu) {
    return relu(x);
  } else if constexpr (kind == ActivationKind::relu2) {
    return relu2(x);
  } else {
    static_assert(kind == ActivationKind::silu || kind == ActivationKind::swiglu);
    return silu(x);
  }
}

template <ActivationKind kind, typename T>
__global__ void forward(const T* x, T* y, std::int64_t numel) {
  for (std::int64_t i = flat_begin(); i < numel; i += flat_step())
    y[i] = from_float<T>(curve<kind>(to_float(x[i])).value);
}

template <ActivationKind kind, typename T>
__global__ void backward(const T* dy, const T* x, T* dx, std::int64_t numel) {
  for (std::int64_t i = flat_begin(); i < numel; i += flat_step())
    dx[i] = from_float<T>(to_float(dy[i]) * curve<kind>(to_float(x[i])).slope);
}

/// y = act(gate) * up.
template <ActivationKind kind, typename T>
__global__ void gated_forward(const T* x, T* y, std::int64_t cols) {
  const std::int64_t row = blockIdx.x;
  const T *gate = x + row * 2 * cols, *up = gate + cols;
  T* out = y + row * cols;
  for (std::int64_t c = threadIdx.x; c < cols; c += blockDim.x)
    out[c] = from_float<T>(curve<kind>(to_float(gate[c])).value * to_float(up[c]));
}

/// dgate = dy * up * act'(gate), dup = dy * act(gate).
template <ActivationKind kind, typename T>
__global__ void gated_backward(const T* dy, const T* x, T* dx, std::int64_t cols) {
  const std::int64_t row = blockIdx.x;
  const T *gate = x + row * 2 * cols, *up = gate + cols, *d_row = dy + row * cols;
  T *dgate = dx + row * 2 * cols, *dup = dgate + cols;
  for (std::int64_t c = threadIdx.x; c < cols; c += blockDim.x) {
    // All three are read before dx, which may be x, is written.
    const float d = to_float(d_row[c]), u = to_float(up[c]);
    const ValueAndSlope at = curve<kind>(to_float(gate[c]));
    dgate[c] = from_float<T>(d * u * at.slope);
    dup[c] = from_float<T>(d * at.value);
  }
}

/// A kind as a type.
template <ActivationKind k>
struct Kind {
  static constexpr ActivationKind kind = k;
};

/// Calls f(T{}, Kind<kind>{}).
template <typename F>
cudaError_t dispatch(ActivationKind kind, Dtype dtype, F f) {
  return with_type(dtype, [&]<typename T>(T zero) {
    switch (kind) {
      case ActivationKind::gelu:
        return f(zero, Kind<ActivationKind::gelu>{});
      case ActivationKind::gelu_tanh:
        return f(zero, Kind<ActivationKind::gelu_tanh>{});
      case ActivationKind::relu:
        return f(zero, Kind<ActivationKind::relu>{});
      case ActivationKind::relu2:
        return f(zero, Kind<ActivationKind::relu2>{});
      case ActivationKind::silu:
        return f(zero, Kind<ActivationKind::silu>{});
      case ActivationKind::swiglu:
        return f(zero, Kind<ActivationKind::swiglu>{});
      case ActivationKind::geglu:
        return f(zero, Kind<ActivationKind::geglu>{});
    }
    return cudaErrorInvalidValue;
  });
}

}  // namespace

cudaError_t launch_activation(const void* x, void* y, Dtype dtype, ActivationKind kind,
                              std::int64_t rows, std::int64_t cols, cudaStream_t stream) {
  return dispatch(kind, dtype, [&]<typename T, typename K>(T, K) {
    const T* in = static_cast<const T*>(x);
    T* out = static_cast<T*>(y);
    if constexpr (is_gated(K::kind)) {
      return launch(stream, rows, block_threads, gated_forward<K::kind, T>, in, out, cols);
    } else {
      return launch(stream, flat_blocks(rows * cols), block_threads, forward<K::kind, T>, in, out,
                    rows * cols);
    }
  });
}

cudaError_t launch_activation_backward(const void* dy, const void* x, void* dx, Dtype dtype,
                                       ActivationKind kind, std::int64_t rows, std::int64_t cols,
                                       cudaStream_t stream) {
  return dispatch(kind, dtype, [&]<typename T, typename K>(T, K) {
    const T *gradient = static_cast<const T*>(dy), *in = static_cast<const T*>(x);
    T* out = static_cast<T*>(dx);
    if constexpr (is_gated(K::kind)) {
      return launch(stream, rows, block_threads, gated_backward<K::kind, T>, gradient, in, out,
                    cols);
    } else {
      return launch(stream, flat_blocks(rows * cols), block_threads, backward<K::kind, T>, gradient,
                    in, out, rows * cols);
    }
  });
}

}  // namespace aforo::cuda
