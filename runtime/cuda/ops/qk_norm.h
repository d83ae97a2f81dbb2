#pragma once
#include <cuda_runtime_api.h>

#include <cstdint>

#include "planner/base/dtype.h"

namespace aforo::cuda {

/// Where the normalised segments of a packed row [q | k | v] lie: each head, or all q heads and all
/// k heads.
struct QkSegments {
  std::int64_t n_q, n_k;        ///< segments of q and of k
  std::int64_t q_size, k_size;  ///< elements of one
  std::int64_t v_size;

  __host__ __device__ std::int64_t count() const { return n_q + n_k; }
  __host__ __device__ std::int64_t v_begin() const { return n_q * q_size + n_k * k_size; }
  __host__ __device__ std::int64_t row_size() const { return v_begin() + v_size; }
  __host__ __device__ bool is_q(std::int64_t segment) const { return segment < n_q; }
  /// First element of a segment in its row.
  __host__ __device__ std::int64_t begin(std::int64_t segment) const {
    return is_q(segment) ? segment * q_size : n_q * q_size + (segment - n_q) * k_size;
  }
  __host__ __device__ std::int64_t size(std::int64_t segment) const {
    return is_q(segment) ? q_size : k_size;
  }
};

/// y = the rows of x with every segment RMS-normalised; v is copied. y may be x.
cudaError_t launch_qk_norm(const void* x, const float* q_weight, const float* k_weight, void* y,
                           float* rstd, Dtype dtype, std::int64_t rows, QkSegments segments,
                           float epsilon, cudaStream_t stream);

/// Gradient of x; the v part is copied from dy. dx may be dy.
cudaError_t launch_qk_norm_dx(const void* dy, const void* x, const float* rstd,
                              const float* q_weight, const float* k_weight, void* dx, Dtype dtype,
                              std::int64_t rows, QkSegments segments, cudaStream_t stream);

/// Part sums of the weights' gradients over n_parts runs of rows: partial [n_parts, q_size +
/// k_size]. launch_add_parts adds them up.
cudaError_t launch_qk_norm_weight_parts(const void* dy, const void* x, const float* rstd,
                                        float* partial, Dtype dtype, std::int64_t rows,
                                        QkSegments segments, std::int64_t n_parts,
                                        cudaStream_t stream);

}  // namespace aforo::cuda
