#pragma once
// bf16 vectors in memory, with the same results as vector.h. GCC 12 turns vector.h's conversions
// for 8 lanes into twice the instructions that AVX2 needs (it splits the widening and masks before
// packing); kernels that do little else ran at half the memory bandwidth: add 16 -> 29 GB/s in
// cache, one thread. For 16 lanes and without AVX2 there is nothing to gain.

#include "runtime/cpu/vector.h"

namespace aforo::cpu::AFORO_ISA {

#if defined(__AVX2__) && !defined(__AVX512F__) && !defined(AFORO_VECTOR_WIDTH)

AFORO_INLINE Vec load_vector(const Bf16* p) {
  const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return (Vec)_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16);
}

AFORO_INLINE void store_vector(Bf16* p, Vec x) {
  const Bits bits = as_bits(x), high = bits >> 16;
  const Bits rounded = (bits + 0x7fffu + (high & 1u)) >> 16;
  const __m256i result = (__m256i)(x == x ? rounded : high | 0x40u);
  const __m128i packed =
      _mm_packus_epi32(_mm256_castsi256_si128(result), _mm256_extracti128_si256(result, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), packed);
}

#endif

template <typename T>
AFORO_INLINE Vec load_vector(const T* p) {
  return load(p);
}
template <typename T>
AFORO_INLINE void store_vector(T* p, Vec x) {
  store(p, x);
}

}  // namespace aforo::cpu::AFORO_ISA
