// ColumnSum: s[c] (+)= sum_r x[r, c] of x [rows, cols]. A thread owns a column and adds its rows
// from first to last in fp32, so the order does not depend on the launch. Blocks are one warp,
// which spreads few columns over many multiprocessors; a warp reads 32 neighbours of a row. rows *
// cols FLOPs; x crosses memory once. Plain version: with cols threads in flight it waits for memory
// rather than filling it; cutting the rows into parts would change the order that the op promises.
#include "runtime/cuda/ops/column_sum.h"
#include "runtime/cuda/ops/element.cuh"
#include "runtime/cuda/ops/launch.cuh"

namespace aforo::cuda {
namespace {

template <typename T>
__global__ void column_sum(const T* x, float* s, std::int64_t rows, std::int64_t cols,
                           bool accumulate) {
  const std::int64_t c = flat_begin();
  if (c >= cols) return;
  float total = accumulate ? s[c] : 0.0f;
#pragma unroll 8
  for (std::int64_t r = 0; r < rows; ++r) total += to_float(x[r * cols + c]);
  s[c] = total;
}

__global__ void add_parts(const float* partial, std::int64_t n_parts, std::int64_t stride,
                          float* out, std::int64_t cols, bool accumulate) {
  const std::int64_t c = flat_begin();
  if (c >= cols) return;
  float total = 0;
  for (std::int64_t part = 0; part < n_parts; ++part) total += partial[part * stride + c];
  out[c] = accumulate ? out[c] + total : total;
}

}  // namespace

cudaError_t launch_column_sum(const void* x, Dtype dtype, float* s, std::int64_t rows,
                              std::int64_t cols, bool accumulate, cudaStream_t stream) {
  return with_type(dtype, [&]<typename T>(T) {
    return launch(stream, parts_of(cols, warp_size), warp_size, column_sum<T>,
                  static_cast<const T*>(x), s, rows, cols, accumulate);
  });
}

cudaError_t launch_add_parts(const float* partial, std::int64_t n_parts, std::int64_t stride,
                             float* out, std::int64_t cols, bool accumulate, cudaStream_t stream) {
  return launch(stream, parts_of(cols, block_threads), block_threads, add_parts, partial, n_parts,
                stride, out, cols, accumulate);
}

}  // namespace aforo::cuda
