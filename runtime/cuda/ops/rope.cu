// Rope: turns pairs (i, i + rotary_dim / 2) of the q and k heads of packed rows [q heads | k heads
// | v heads] by the angle t * theta^(-2 i / rotary_dim), t = row % seq_len. A block owns a row; its
// threads first compute the angles' cosines and sines into shared memory, in fp64 since t *
// frequency loses its fraction in fp32 (t = 10^5 leaves 2^-7 of a turn), then each owns pairs p, p
// + 256, ... of all heads. 6 FLOPs a pair in fp32; x and y cross memory once. Elements that do not
// turn are copied, or left alone in place. Deterministic. Plain version: angles are computed again
// for every row of a layer.
#include "runtime/cuda/ops/element.cuh"
#include "runtime/cuda/ops/launch.cuh"
#include "runtime/cuda/ops/rope.h"

namespace aforo::cuda {
namespace {

constexpr int angles_at_once =
    256;  // pairs of one head whose angles lie in shared memory; heads have up to 256 mostly

struct Turn {
  float cosine, sine;
};

__device__ Turn turn_of(std::int64_t position, std::int64_t pair, RopeShape s, double theta,
                        bool inverse) {
  const double frequency =
      pow(theta, -2.0 * static_cast<double>(pair) / static_cast<double>(s.rotary_dim));
  const double angle = static_cast<double>(position) * frequency;
  const float sine = static_cast<float>(sin(angle));
  return {static_cast<float>(cos(angle)), inverse ? -sine : sine};
}

/// Copies what does not turn: the tails of the q and k heads, and v.
template <typename T>
__device__ void copy_rest(const T* in, T* out, RopeShape s) {
  const std::int64_t turned = (s.n_heads + s.n_kv_heads) * s.head_dim,
                     all = turned + s.n_kv_heads * s.head_dim;
  for (std::int64_t c = threadIdx.x; c < all; c += block_threads)
    if (c >= turned || c % s.head_dim >= s.rotary_dim / 2 * 2) out[c] = in[c];
}

template <typename T>
__global__ void rope(const T* x, T* y, RopeShape s, double theta, bool inverse) {
  __shared__ Turn turns[angles_at_once];
  const std::int64_t row = blockIdx.x, n_heads = s.n_heads + s.n_kv_heads, half = s.rotary_dim / 2;
  const std::int64_t row_at = row * (n_heads + s.n_kv_heads) * s.head_dim;
  if (x != y) copy_rest(x + row_at, y + row_at, s);
  for (std::int64_t first = 0; first < half; first += angles_at_once) {
    const std::int64_t n = half - first < angles_at_once ? half - first : angles_at_once;
    __syncthreads();  // the previous angles are done with
    for (std::int64_t i = threadIdx.x; i < n; i += block_threads)
      turns[i] = turn_of(row % s.seq_len, first + i, s, theta, inverse);
    __syncthreads();
    for (std::int64_t p = threadIdx.x; p < n_heads * n; p += block_threads) {
      const std::int64_t at = row_at + p / n * s.head_dim + first + p % n;
      const Turn turn = turns[p % n];
      const float a = to_float(x[at]), b = to_float(x[at + half]);
      y[at] = from_float<T>(a * turn.cosine - b * turn.sine);
      y[at + half] = from_float<T>(b * turn.cosine + a * turn.sine);
    }
  }
}

}  // namespace

cudaError_t launch_rope(const void* x, void* y, Dtype dtype, RopeShape shape, double theta,
                        bool inverse, cudaStream_t stream) {
  return with_type(dtype, [&]<typename T>(T) {
    return launch(stream, shape.rows, block_threads, rope<T>, static_cast<const T*>(x),
                  static_cast<T*>(y), shape, theta, inverse);
  });
}

}  // namespace aforo::cuda
