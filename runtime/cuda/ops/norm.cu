// RmsNorm and LayerNorm over rows of [rows, cols], and their gradients. Everything in fp32; the
// variance is the mean of (x - mean)^2, since mean(x^2) - mean^2 loses digits when |mean| is large.
//
// Forward and dx: a block of 256 threads owns a row, a thread its columns c, c + 256, ...; sums
// first, results second, so a row comes from memory once and from the caches again. rms_norm 4
// FLOPs an element, layer_norm 8, dx of either about 10 to 14; x and y (dy, x and dx) cross memory
// once.
//
// dweight, dbias: a thread owns a column and one of n_parts runs of rows, which it adds in
// ascending order; column_sum.cu adds the parts in order. dy and x cross memory a second time.
// n_parts depends on the shape and the workspace alone, so results repeat bit for bit. Plain
// versions: one element per load.
#include "runtime/cuda/ops/element.cuh"
#include "runtime/cuda/ops/launch.cuh"
#include "runtime/cuda/ops/norm.h"
#include "runtime/cuda/ops/reduce.cuh"

namespace aforo::cuda {
namespace {

template <typename T>
__global__ void rms_norm(const T* x, const float* weight, T* y, float* rstd, std::int64_t cols,
                         float epsilon) {
  const std::int64_t row = blockIdx.x;
  const T* in = x + row * cols;
  T* out = y + row * cols;
  float squares = 0;
  for (std::int64_t c = threadIdx.x; c < cols; c += blockDim.x) {
    const float v = to_float(in[c]);
    squares += v * v;
  }
  const float scale = 1.0f / sqrtf(block_sum(squares) / static_cast<float>(cols) + epsilon);
  for (std::int64_t c = threadIdx.x; c < cols; c += blockDim.x) {
    const float v = to_float(in[c]) * scale;
    out[c] = from_float<T>(weight ? v * weight[c] : v);
  }
  if (threadIdx.x == 0) rstd[row] = scale;
}

template <typename T>
__global__ void layer_norm(const T* x, const float* weight, const float* bias, T* y,
                           RowStatistics saved, std::int64_t cols, float epsilon) {
  const std::int64_t row = blockIdx.x;
  const T* in = x + row * cols;
  T* out = y + row * cols;
  const float n = static_cast<float>(cols);
  float sum = 0;
  for (std::int64_t c = threadIdx.x; c < cols; c += blockDim.x) sum += to_float(in[c]);
  const float mean = block_sum(sum) / n;
  float squares = 0;
  for (std::int64_t c = threadIdx.x; c < cols; c += blockDim.x) {
    const float v = to_float(in[c]) - mean;
    squares += v * v;
  }
  const float scale = 1.0f / sqrtf(block_sum(squares) / n + epsilon);
  for (std::int64_t c = threadIdx.x; c < cols; c += blockDim.x) {
    float v = (to_float(in[c]) - mean) * scale;
    if (weight) v *= weight[c];
    if (bias) v += bias[c];
    out[c] = from_float<T>(v);
  }
  if (threadIdx.x != 0) return;
  saved.mean[row] = mean;
  saved.rstd[row] = scale;
}

/// dx (+)= rstd (g - mean(g) - xhat mean(g xhat)),  g = dy weight,  xhat = (x - mean) rstd; an RMS
/// norm has mean 0 and no mean(g).
template <typename T>
__global__ void norm_dx(const T* dy, const T* x, const float* mean, const float* rstd,
                        const float* weight, T* dx, std::int64_t cols, bool accumulate) {
  const std::int64_t row = blockIdx.x, at = row * cols;
  const float center = mean ? mean[row] : 0.0f, scale = rstd[row], n = static_cast<float>(cols);
  float g_sum = 0, g_xhat_sum = 0;
  for (std::int64_t c = threadIdx.x; c < cols; c += blockDim.x) {
    const float g = to_float(dy[at + c]) * (weight ? weight[c] : 1.0f);
    g_sum += g;
    g_xhat_sum += g * ((to_float(x[at + c]) - center) * scale);
  }
  const float mean_g = mean ? block_sum(g_sum) / n : 0.0f;  // `mean` is the same for all threads
  const float mean_g_xhat = block_sum(g_xhat_sum) / n;
  for (std::int64_t c = threadIdx.x; c < cols; c += blockDim.x) {
    const float g = to_float(dy[at + c]) * (weight ? weight[c] : 1.0f);
    const float xhat = (to_float(x[at + c]) - center) * scale;
    const float d = (g - mean_g - xhat * mean_g_xhat) * scale;
    dx[at + c] = from_float<T>(accumulate ? d + to_float(dx[at + c]) : d);
  }
}

/// Blocks of one warp: block b has columns 32 (b % col_blocks) ... of part b / col_blocks.
template <typename T>
__global__ void norm_weight_parts(const T* dy, const T* x, const float* mean, const float* rstd,
                                  float* partial, std::int64_t rows, std::int64_t cols,
                                  bool has_weight, bool has_bias, std::int64_t n_parts,
                                  std::int64_t col_blocks) {
  const std::int64_t part = blockIdx.x / col_blocks;
  const std::int64_t c = blockIdx.x % col_blocks * warp_size + threadIdx.x;
  if (c >= cols) return;
  const std::int64_t begin = rows * part / n_parts, end = rows * (part + 1) / n_parts;
  float dweight = 0, dbias = 0;
  for (std::int64_t r = begin; r < end; ++r) {
    const float d = to_float(dy[r * cols + c]);
    const float center = mean ? mean[r] : 0.0f;
    dweight += d * ((to_float(x[r * cols + c]) - center) * rstd[r]);
    dbias += d;
  }
  float* out = partial + part * (has_weight + has_bias) * cols + c;
  if (has_weight) out[0] = dweight;
  if (has_bias) out[has_weight ? cols : 0] = dbias;
}

}  // namespace

cudaError_t launch_rms_norm(const void* x, const float* weight, void* y, float* rstd, Dtype dtype,
                            std::int64_t rows, std::int64_t cols, float epsilon,
                            cudaStream_t stream) {
  return with_type(dtype, [&]<typename T>(T) {
    return launch(stream, rows, block_threads, rms_norm<T>, static_cast<const T*>(x), weight,
                  static_cast<T*>(y), rstd, cols, epsilon);
  });
}

cudaError_t launch_layer_norm(const void* x, const float* weight, const float* bias, void* y,
                              RowStatistics saved, Dtype dtype, std::int64_t rows,
                              std::int64_t cols, float epsilon, cudaStream_t stream) {
  return with_type(dtype, [&]<typename T>(T) {
    return launch(stream, rows, block_threads, layer_norm<T>, static_cast<const T*>(x), weight,
                  bias, static_cast<T*>(y), saved, cols, epsilon);
  });
}

cudaError_t launch_norm_dx(const void* dy, const void* x, const float* mean, const float* rstd,
                           const float* weight, void* dx, Dtype dtype, std::int64_t rows,
                           std::int64_t cols, bool accumulate, cudaStream_t stream) {
  return with_type(dtype, [&]<typename T>(T) {
    return launch(stream, rows, block_threads, norm_dx<T>, static_cast<const T*>(dy),
                  static_cast<const T*>(x), mean, rstd, weight, static_cast<T*>(dx), cols,
                  accumulate);
  });
}

cudaError_t launch_norm_weight_parts(const void* dy, const void* x, const float* mean,
                                     const float* rstd, float* partial, Dtype dtype,
                                     std::int64_t rows, std::int64_t cols, bool has_weight,
                                     bool has_bias, std::int64_t n_parts, cudaStream_t stream) {
  const std::int64_t col_blocks = parts_of(cols, warp_size);
  return with_type(dtype, [&]<typename T>(T) {
    return launch(stream, n_parts * col_blocks, warp_size, norm_weight_parts<T>,
                  static_cast<const T*>(dy), static_cast<const T*>(x), mean, rstd, partial, rows,
                  cols, has_weight, has_bias, n_parts, col_blocks);
  });
}

}  // namespace aforo::cuda
