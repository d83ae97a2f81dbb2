#pragma once
// Sums over a warp or a block. The order of every sum depends on the size of the block alone, so
// results repeat bit for bit.

#include <cuda_runtime.h>

#include "runtime/cuda/ops/launch.cuh"

namespace aforo::cuda {

constexpr unsigned all_lanes = 0xffffffffu;

/// Sum over the lanes of a warp, the same bits in every lane. All lanes must call it.
template <typename T>
__device__ T warp_sum(T value) {
  for (int distance = warp_size / 2; distance > 0; distance /= 2)
    value += __shfl_xor_sync(all_lanes, value, distance);
  return value;
}

/// Sum over the threads of a block of whole warps, the same bits in every thread. All threads must
/// call it.
template <typename T>
__device__ T block_sum(T value) {
  __shared__ T of_warp[32];  // a block has at most 32 warps
  value = warp_sum(value);
  __syncthreads();  // an earlier call may still be reading of_warp
  if (threadIdx.x % warp_size == 0) of_warp[threadIdx.x / warp_size] = value;
  __syncthreads();
  T total = of_warp[0];
  for (unsigned warp = 1; warp < blockDim.x / warp_size; ++warp) total += of_warp[warp];
  return total;
}

}  // namespace aforo::cuda
