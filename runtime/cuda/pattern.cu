// Fills an arena with a pattern and finds the highest byte that changed since. Flat over 8-byte
// words: a thread owns words i, i + step, ... The arena crosses memory once.
#include "runtime/cuda/ops/launch.cuh"
#include "runtime/cuda/pattern.h"

namespace aforo::cuda {
namespace {

/// Each 16-bit piece is a NaN of bf16 and of fp16, so each half is one of fp32 and the word one of
/// fp64: what a kernel reads without having written it does not stay unnoticed. The rest is a hash
/// of the place, so that copied pattern is no pattern.
__device__ std::uint64_t pattern_of(std::int64_t word) {
  std::uint64_t hash = (static_cast<std::uint64_t>(word) + 1) * 0x9e3779b97f4a7c15u;  // splitmix64
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
  return (hash & 0x800f'803f'803f'803fu) | 0x7ff8'7fc0'7fc0'7fc0u;
}

__global__ void fill_pattern(std::uint64_t* words, std::int64_t n_words) {
  for (std::int64_t i = flat_begin(); i < n_words; i += flat_step()) words[i] = pattern_of(i);
}

__global__ void find_touched(const std::uint64_t* words, std::int64_t n_words,
                             std::int64_t* marks) {
  __shared__ long long highest[block_threads];
  long long mine = 0;
  for (std::int64_t i = flat_begin(); i < n_words; i += flat_step()) {
    const std::uint64_t difference = words[i] ^ pattern_of(i);
    // Later words lie higher, so the last difference counts. Little-endian: the top bits are the
    // highest byte.
    if (difference != 0) mine = 8 * i + 8 - __clzll(static_cast<long long>(difference)) / 8;
  }
  highest[threadIdx.x] = mine;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int i = 1; i < block_threads; ++i) mine = highest[i] > mine ? highest[i] : mine;
  marks[blockIdx.x] = mine;
}

}  // namespace

cudaError_t launch_fill_pattern(void* arena, std::int64_t bytes, cudaStream_t stream) {
  return launch(stream, flat_blocks(bytes / 8), block_threads, fill_pattern,
                static_cast<std::uint64_t*>(arena), bytes / 8);
}

cudaError_t launch_find_touched(const void* arena, std::int64_t bytes, std::int64_t* marks,
                                cudaStream_t stream) {
  return launch(stream, n_pattern_marks, block_threads, find_touched,
                static_cast<const std::uint64_t*>(arena), bytes / 8, marks);
}

}  // namespace aforo::cuda
