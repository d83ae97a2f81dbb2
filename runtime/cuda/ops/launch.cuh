#pragma once
// Launching kernels, and the two ways in which they share out work: flat over elements, or a block
// per row.

#include <cuda_runtime.h>

#include <cstdint>

namespace aforo::cuda {

constexpr int warp_size = 32;
constexpr int block_threads = 256;  ///< of every kernel that does not say otherwise

/// Queues `kernel` on `n_blocks` blocks; none is no work. Returns what the launch itself returned:
/// errors of earlier work do not show up here.
template <typename... Params, typename... Args>
cudaError_t launch(cudaStream_t stream, std::int64_t n_blocks, int n_threads,
                   void (*kernel)(Params...), Args... args) {
  constexpr std::int64_t max_blocks = 2147483647;  // of the first dimension of a grid
  if (n_blocks == 0) return cudaSuccess;
  if (n_blocks < 0 || n_blocks > max_blocks) return cudaErrorInvalidConfiguration;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(n_blocks));
  config.blockDim = dim3(static_cast<unsigned>(n_threads));
  config.stream = stream;
  return cudaLaunchKernelEx(&config, kernel, static_cast<Params>(args)...);
}

/// Smallest number of parts of `size` that cover n.
constexpr std::int64_t parts_of(std::int64_t n, std::int64_t size) { return (n + size - 1) / size; }

/// Blocks of a flat kernel: enough to fill the largest GPUs (about 150 multiprocessors, 8 such
/// blocks each) nearly twice; beyond that each thread takes several elements.
constexpr std::int64_t flat_blocks(std::int64_t numel) {
  constexpr std::int64_t most = 2048;
  const std::int64_t blocks = parts_of(numel, block_threads);
  return blocks < most ? blocks : most;
}

/// A thread of a flat kernel owns elements flat_begin(), flat_begin() + flat_step(), ...
__device__ inline std::int64_t flat_begin() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline std::int64_t flat_step() {
  return static_cast<std::int64_t>(gridDim.x) * blockDim.x;
}

}  // namespace aforo::cuda
