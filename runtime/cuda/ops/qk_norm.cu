// QkNorm: RMS norm of the q and k heads inside packed rows [q heads | k heads | v heads], and its
// gradient. In fp32.
//
// Forward and dx: a warp owns a segment of a row (a head, or all q or all k heads), a lane its
// elements e, e + 32, ...; one more warp per row copies v. About 4 and 10 FLOPs an element of q and
// k; every operand crosses memory once, a segment is read again from the caches. Deterministic: one
// order per warp.
//
// Weights: a thread owns an element of the q or k weight and one of n_parts runs of rows; it adds
// rows in ascending order and the heads of a row in order; column_sum.cu adds the parts. dy and x
// cross memory a second time. Plain versions.
#include "runtime/cuda/ops/element.cuh"
#include "runtime/cuda/ops/launch.cuh"
#include "runtime/cuda/ops/qk_norm.h"
#include "runtime/cuda/ops/reduce.cuh"

namespace aforo::cuda {
namespace {

constexpr int warps_per_block = block_threads / warp_size;

/// The segment that a warp owns; segment count() is v. Row `rows` and beyond: nothing.
struct WarpPlace {
  std::int64_t row, segment;
};

__device__ WarpPlace warp_place(QkSegments s) {
  const std::int64_t warp =
      static_cast<std::int64_t>(blockIdx.x) * warps_per_block + threadIdx.x / warp_size;
  return {warp / (s.count() + 1), warp % (s.count() + 1)};
}

template <typename T>
__device__ void copy_v(const T* from, T* to, QkSegments s) {
  if (from == to) return;
  for (std::int64_t e = threadIdx.x % warp_size; e < s.v_size; e += warp_size)
    to[s.v_begin() + e] = from[s.v_begin() + e];
}

template <typename T>
__global__ void qk_norm(const T* x, const float* q_weight, const float* k_weight, T* y, float* rstd,
                        std::int64_t rows, QkSegments s, float epsilon) {
  const WarpPlace at = warp_place(s);
  if (at.row >= rows) return;
  const T* row_in = x + at.row * s.row_size();
  T* row_out = y + at.row * s.row_size();
  if (at.segment == s.count()) return copy_v(row_in, row_out, s);
  const T* in = row_in + s.begin(at.segment);
  T* out = row_out + s.begin(at.segment);
  const float* weight = s.is_q(at.segment) ? q_weight : k_weight;
  const std::int64_t size = s.size(at.segment);
  const int lane = threadIdx.x % warp_size;
  float squares = 0;
  for (std::int64_t e = lane; e < size; e += warp_size) {
    const float v = to_float(in[e]);
    squares += v * v;
  }
  const float scale = 1.0f / sqrtf(warp_sum(squares) / static_cast<float>(size) + epsilon);
  for (std::int64_t e = lane; e < size; e += warp_size)
    out[e] = from_float<T>(to_float(in[e]) * scale * weight[e]);
  if (lane == 0) rstd[at.row * s.count() + at.segment] = scale;
}

/// dx = rstd (g - xhat mean(g xhat)),  g = dy weight,  xhat = x rstd.
template <typename T>
__global__ void qk_norm_dx(const T* dy, const T* x, const float* rstd, const float* q_weight,
                           const float* k_weight, T* dx, std::int64_t rows, QkSegments s) {
  const WarpPlace at = warp_place(s);
  if (at.row >= rows) return;
  const std::int64_t row_at = at.row * s.row_size();
  if (at.segment == s.count()) return copy_v(dy + row_at, dx + row_at, s);
  const std::int64_t first = row_at + s.begin(at.segment), size = s.size(at.segment);
  const float* weight = s.is_q(at.segment) ? q_weight : k_weight;
  const float scale = rstd[at.row * s.count() + at.segment];
  const int lane = threadIdx.x % warp_size;
  float products = 0;
  for (std::int64_t e = lane; e < size; e += warp_size)
    products += to_float(dy[first + e]) * weight[e] * (to_float(x[first + e]) * scale);
  const float mean = warp_sum(products) / static_cast<float>(size);
  for (std::int64_t e = lane; e < size; e += warp_size) {
    const float g = to_float(dy[first + e]) * weight[e];
    dx[first + e] = from_float<T>((g - to_float(x[first + e]) * scale * mean) * scale);
  }
}

/// Blocks of one warp: block b has elements 32 (b % col_blocks) ... of [q weight | k weight], of
/// part b / col_blocks.
template <typename T>
__global__ void qk_norm_weight_parts(const T* dy, const T* x, const float* rstd, float* partial,
                                     std::int64_t rows, QkSegments s, std::int64_t n_parts,
                                     std::int64_t col_blocks) {
  const std::int64_t part = blockIdx.x / col_blocks;
  const std::int64_t c = blockIdx.x % col_blocks * warp_size + threadIdx.x;
  const std::int64_t cols = s.q_size + s.k_size;
  if (c >= cols) return;
  const bool is_q = c < s.q_size;
  const std::int64_t e = is_q ? c : c - s.q_size;
  const std::int64_t first_segment = is_q ? 0 : s.n_q, last_segment = is_q ? s.n_q : s.count();
  float sum = 0;
  for (std::int64_t r = rows * part / n_parts; r < rows * (part + 1) / n_parts; ++r)
    for (std::int64_t segment = first_segment; segment < last_segment; ++segment) {
      const std::int64_t i = r * s.row_size() + s.begin(segment) + e;
      sum += to_float(dy[i]) * (to_float(x[i]) * rstd[r * s.count() + segment]);
    }
  partial[part * cols + c] = sum;
}

std::int64_t warp_blocks(std::int64_t rows, QkSegments s) {
  return parts_of(rows * (s.count() + 1), warps_per_block);
}

}  // namespace

cudaError_t launch_qk_norm(const void* x, const float* q_weight, const float* k_weight, void* y,
                           float* rstd, Dtype dtype, std::int64_t rows, QkSegments segments,
                           float epsilon, cudaStream_t stream) {
  return with_type(dtype, [&]<typename T>(T) {
    return launch(stream, warp_blocks(rows, segments), block_threads, qk_norm<T>,
                  static_cast<const T*>(x), q_weight, k_weight, static_cast<T*>(y), rstd, rows,
                  segments, epsilon);
  });
}

cudaError_t launch_qk_norm_dx(const void* dy, const void* x, const float* rstd,
                              const float* q_weight, const float* k_weight, void* dx, Dtype dtype,
                              std::int64_t rows, QkSegments segments, cudaStream_t stream) {
  return with_type(dtype, [&]<typename T>(T) {
    return launch(stream, warp_blocks(rows, segments), block_threads, qk_norm_dx<T>,
                  static_cast<const T*>(dy), static_cast<const T*>(x), rstd, q_weight, k_weight,
                  static_cast<T*>(dx), rows, segments);
  });
}

cudaError_t launch_qk_norm_weight_parts(const void* dy, const void* x, const float* rstd,
                                        float* partial, Dtype dtype, std::int64_t rows,
                                        QkSegments segments, std::int64_t n_parts,
                                        cudaStream_t stream) {
  const std::int64_t col_blocks = parts_of(segments.q_size + segments.k_size, warp_size);
  return with_type(dtype, [&]<typename T>(T) {
    return launch(stream, n_parts * col_blocks, warp_size, qk_norm_weight_parts<T>,
                  static_cast<const T*>(dy), static_cast<const T*>(x), rstd, partial, rows,
                  segments, n_parts, col_blocks);
  });
}

}  // namespace aforo::cuda
