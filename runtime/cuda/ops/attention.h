#pragma once
#include <cuda_runtime_api.h>

#include <cstdint>

#include "planner/base/dtype.h"

namespace aforo::cuda {

constexpr std::int64_t most_head_dim =
    256;  ///< the kernels keep a head's row in the registers of a warp

/// Packed rows [q heads | k heads | v heads] of `batch` sequences, and the rule for which keys a
/// query sees.
struct AttentionShape {
  std::int64_t batch, seq_len, n_heads, n_kv_heads, head_dim, window;
  float scale;
  bool alibi;

  std::int64_t statistics_of_sequence() const { return n_heads * seq_len; }
};

/// out (B*T, H*E), lse (B, H, T).
cudaError_t launch_attention(const void* qkv, void* out, float* lse, Dtype dtype,
                             AttentionShape shape, cudaStream_t stream);

/// Operands of the gradient for sequences [first, first + n) of the batch.
struct AttentionGradient {
  const void* dout;  // (B*T, H*E)
  const void* qkv;   // (B*T, (H + 2 K)*E)
  const void* out;   // (B*T, H*E)
  const float* lse;  // (B, H, T)
  void* dqkv;        // as qkv
  float* delta;      // (n, H, T) scratch
  std::int64_t first, n;
};

/// delta[t] = dout[t] . out[t]; then dq, which needs delta; then dk and dv, which need delta.
cudaError_t launch_attention_delta(AttentionGradient gradient, Dtype dtype, AttentionShape shape,
                                   cudaStream_t stream);
cudaError_t launch_attention_dq(AttentionGradient gradient, Dtype dtype, AttentionShape shape,
                                cudaStream_t stream);
cudaError_t launch_attention_dkv(AttentionGradient gradient, Dtype dtype, AttentionShape shape,
                                 cudaStream_t stream);

}  // namespace aforo::cuda
