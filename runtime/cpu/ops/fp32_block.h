#pragma once
// Blocks of 16-bit numbers in fp32. Kernels with an exp per element compute from block to block in
// fp32 and convert in loops of their own: one chain of dependent instructions per element,
// conversion - function - conversion, is longer than what the processor looks ahead (silu in bf16,
// in cache, one thread, avx2: 4.8 -> 6.3 GB/s; gelu_tanh 3.7 -> 4.7). fp32 operands are used where
// they lie.

#include <type_traits>

#include "runtime/cpu/ops/loops.h"

namespace aforo::cpu::AFORO_ISA {

/// 1 KiB, so that the five blocks of a gated gradient stay in the level 1 cache.
struct Block {
  static constexpr std::int64_t size = 512;
  alignas(64) float values[size];
};

/// The n numbers at x in fp32: themselves, or converted into `block`.
template <typename T>
AFORO_INLINE const float* in_fp32(const T* x, std::int64_t n, Block& block) {
  if constexpr (std::is_same_v<T, float>) {
    return x;
  } else {
    for_vectors(n,
                [&](std::int64_t i, auto part) { part.store(block.values + i, part.load(x + i)); });
    return block.values;
  }
}

/// Where to put n numbers that belong at y: there, or in `block` until `put` converts them.
template <typename T>
AFORO_INLINE float* place_for(T* y, Block& block) {
  if constexpr (std::is_same_v<T, float>) {
    return y;
  } else {
    return block.values;
  }
}

template <typename T>
AFORO_INLINE void put(const float* place, T* y, std::int64_t n) {
  if constexpr (!std::is_same_v<T, float>)
    for_vectors(n, [&](std::int64_t i, auto part) { part.store(y + i, part.load(place + i)); });
}

/// Calls f(begin, n) for the blocks of [0, numel).
template <typename F>
AFORO_INLINE void for_blocks(std::int64_t numel, F f) {
  for (std::int64_t begin = 0; begin < numel; begin += Block::size)
    f(begin, begin + Block::size < numel ? Block::size : numel - begin);
}

}  // namespace aforo::cpu::AFORO_ISA
