#pragma once
#include <cuda_runtime_api.h>

#include <cstdint>

#include "planner/base/dtype.h"

namespace aforo::cuda {

/// x[r, :] = scale * wte[token[r], :] + wpe[r % seq_len, :]; wpe may be null. A token outside the
/// vocabulary makes its row NaN.
cudaError_t launch_embedding(const std::int32_t* tokens, const void* wte, const void* wpe, void* x,
                             Dtype dtype, std::int64_t rows, std::int64_t seq_len,
                             std::int64_t d_model, std::int64_t vocab, float scale,
                             cudaStream_t stream);

/// dwte[token[r], :] += scale * dx[r, :], rows in ascending order. A token outside the vocabulary
/// adds nothing.
cudaError_t launch_embedding_tokens(const std::int32_t* tokens, const void* dx, float* dwte,
                                    Dtype dtype, std::int64_t rows, std::int64_t d_model,
                                    std::int64_t vocab, float scale, cudaStream_t stream);

/// dwpe[t, :] (+)= sum of dx over the sequences' position t, in order; positions at or past seq_len
/// get nothing.
cudaError_t launch_embedding_positions(const void* dx, float* dwpe, Dtype dtype, std::int64_t rows,
                                       std::int64_t seq_len, std::int64_t d_model,
                                       std::int64_t positions, bool accumulate,
                                       cudaStream_t stream);

}  // namespace aforo::cuda
