#pragma once
#include <cuda_runtime_api.h>

#include <cstdint>

#include "planner/base/dtype.h"

namespace aforo::cuda {

/// s[c] (+)= sum_r x[r, c], rows in ascending order.
cudaError_t launch_column_sum(const void* x, Dtype dtype, float* s, std::int64_t rows,
                              std::int64_t cols, bool accumulate, cudaStream_t stream);

/// out[c] (+)= sum over parts of partial[part * stride + c], parts in ascending order: the second
/// half of sums whose rows were cut into parts.
cudaError_t launch_add_parts(const float* partial, std::int64_t n_parts, std::int64_t stride,
                             float* out, std::int64_t cols, bool accumulate, cudaStream_t stream);

/// Into how many parts a kernel cuts the sum over `rows` rows of `cols` columns: at most 64, none
/// of fewer than 16 rows, and no more than the workspace holds. 0: it does not hold one.
std::int64_t row_parts(std::int64_t rows, std::int64_t cols, std::int64_t workspace_bytes);

}  // namespace aforo::cuda
