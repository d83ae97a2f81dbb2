#pragma once
#include <cuda_runtime_api.h>

#include <cstdint>

#include "planner/base/dtype.h"

namespace aforo::cuda {

/// Of packed rows [q heads | k heads | v heads].
struct RopeShape {
  std::int64_t rows, seq_len, n_heads, n_kv_heads, head_dim, rotary_dim;
};

/// y = x with the first rotary_dim dimensions of the q and k heads turned by the row's position;
/// `inverse` turns back. y may be x.
cudaError_t launch_rope(const void* x, void* y, Dtype dtype, RopeShape shape, double theta,
                        bool inverse, cudaStream_t stream);

}  // namespace aforo::cuda
