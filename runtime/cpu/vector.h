#pragma once
// Vectors of fp32 in GCC's vector extensions, as wide as the instruction set of this file: 16 lanes
// under avx512, 8 under avx2, 4 else. Operators work lane by lane; a comparison gives a Mask, and
// `mask ? a : b` selects. Products and sums may be contracted to fused ones where the instruction
// set has them.
//
//   const Vec x = load(p);              // p: const float*, const Bf16* or const Fp16*, any
//   alignment store(q, x * splat(2.0f));          // rounds to nearest even if q is 16 bits wide
//   for (; i < n; i += width) ...       // tails: load_part and store_part, lanes at and after `n`
//   read as zero
//
// Sums over lanes have one fixed order per width, so a kernel repeats bit for bit on one
// instruction set.

#include <cstdint>
#include <cstring>

// AFORO_VECTOR_WIDTH lets a test compile 16 lanes on a machine that has only 8.
#if defined(__F16C__) && defined(__AVX2__) && !defined(AFORO_VECTOR_WIDTH)
#include <immintrin.h>
#define AFORO_F16C
#endif

#include "planner/base/dtype.h"
#include "runtime/cpu/kernel_error.h"

#ifndef AFORO_ISA
#define AFORO_ISA baseline
#endif

#define AFORO_INLINE [[gnu::always_inline]] inline

namespace aforo::cpu::AFORO_ISA {

#if defined(AFORO_VECTOR_WIDTH)
constexpr int width = AFORO_VECTOR_WIDTH;
#elif defined(__AVX512F__)
constexpr int width = 16;
#elif defined(__AVX2__)
constexpr int width = 8;
#else
constexpr int width = 4;
#endif

typedef float Vec __attribute__((vector_size(4 * width)));
typedef std::int32_t Mask
    __attribute__((vector_size(4 * width)));  ///< lanes 0 or -1; also plain integers
typedef std::uint32_t Bits __attribute__((vector_size(4 * width)));
typedef std::uint16_t HalfBits __attribute__((vector_size(2 * width)));

/// 16-bit numbers as they lie in memory.
struct Bf16 {
  std::uint16_t bits;
};
struct Fp16 {
  std::uint16_t bits;
};

AFORO_INLINE Vec splat(float x) { return x - Vec{}; }  // minus zero keeps -0, and costs nothing
AFORO_INLINE Vec as_float(Bits x) { return (Vec)x; }
AFORO_INLINE Bits as_bits(Vec x) { return (Bits)x; }
AFORO_INLINE Vec min(Vec a, Vec b) { return a < b ? a : b; }  // b if either is NaN
AFORO_INLINE Vec max(Vec a, Vec b) { return a > b ? a : b; }  // b if either is NaN
AFORO_INLINE Vec abs(Vec x) { return as_float(as_bits(x) & 0x7fffffffu); }
AFORO_INLINE Vec copy_sign(Vec size, Vec sign) {
  return as_float((as_bits(size) & 0x7fffffffu) | (as_bits(sign) & 0x80000000u));
}

/// 0, 1, 2, ...
AFORO_INLINE Mask lane_numbers() {
  Mask lanes;
  for (int i = 0; i < width; ++i) lanes[i] = i;
  return lanes;
}

// --- conversions

AFORO_INLINE Vec widen(HalfBits x, Bf16) {
  return as_float(__builtin_convertvector(x, Bits) << 16);
}

/// To nearest even; NaN stays NaN (its payload is cut, so the quiet bit is set).
AFORO_INLINE HalfBits narrow(Vec x, Bf16) {
  const Bits bits = as_bits(x);
  const Bits rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const Bits nan = (bits >> 16) | 0x40u;
  return __builtin_convertvector((bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded, HalfBits);
}

AFORO_INLINE Vec widen(HalfBits x, Fp16) {
#if defined(AFORO_F16C) && defined(__AVX512F__)  // maskz: g++ 12 warns inside the plain intrinsics
  return (Vec)_mm512_maskz_cvtph_ps(0xffff, (__m256i)x);
#elif defined(AFORO_F16C)
  return (Vec)_mm256_cvtph_ps((__m128i)x);
#else
  const Bits bits = __builtin_convertvector(x, Bits);
  const Bits size = (bits & 0x7fffu) << 13;
  // The exponent is rebiased by a product, which normalises subnormal numbers too.
  Bits result = as_bits(as_float(size) * splat(0x1p112f));
  result = size >= (0x7c00u << 13) ? result | 0x7f800000u : result;
  return as_float(result | ((bits & 0x8000u) << 16));
#endif
}

/// To nearest even; above 65504 by half a unit or more: infinity. NaN stays NaN.
AFORO_INLINE HalfBits narrow(Vec x, Fp16) {
#if defined(AFORO_F16C) && defined(__AVX512F__)
  return (HalfBits)_mm512_maskz_cvtps_ph(0xffff, (__m512)x, _MM_FROUND_TO_NEAREST_INT);
#elif defined(AFORO_F16C)
  return (HalfBits)_mm256_cvtps_ph((__m256)x, _MM_FROUND_TO_NEAREST_INT);
#else
  const Bits size = as_bits(x) & 0x7fffffffu;
  // Adding 0.5 leaves exactly the bits of a subnormal half in the mantissa, rounded.
  const Bits subnormal = as_bits(as_float(size) + splat(0.5f)) - 0x3f000000u;
  const Bits normal = (size + 0xfffu + ((size >> 13) & 1u) - (112u << 23)) >> 13;
  const Bits nan = 0x7e00u | ((size >> 13) & 0x3ffu);
  Bits result = size < 0x38800000u ? subnormal : normal;
  result = size >= 0x47800000u ? Bits{} + 0x7c00u : result;
  result = size > 0x7f800000u ? nan : result;
  return __builtin_convertvector(result | ((as_bits(x) >> 16) & 0x8000u), HalfBits);
#endif
}

// --- memory

AFORO_INLINE Vec load(const float* p) {
  Vec x;
  std::memcpy(&x, p, sizeof(x));
  return x;
}
template <typename Half>
AFORO_INLINE Vec load(const Half* p) {
  HalfBits x;
  std::memcpy(&x, p, sizeof(x));
  return widen(x, Half{});
}
AFORO_INLINE void store(float* p, Vec x) { std::memcpy(p, &x, sizeof(x)); }
template <typename Half>
AFORO_INLINE void store(Half* p, Vec x) {
  const HalfBits bits = narrow(x, Half{});
  std::memcpy(p, &bits, sizeof(bits));
}

/// The first n < width elements; other lanes are zero.
template <typename T>
AFORO_INLINE Vec load_part(const T* p, std::int64_t n) {
  T part[width] = {};
  for (std::int64_t i = 0; i < n && i < width; ++i) part[i] = p[i];
  return load(part);
}
template <typename T>
AFORO_INLINE void store_part(T* p, Vec x, std::int64_t n) {
  T part[width];
  store(part, x);
  for (std::int64_t i = 0; i < n && i < width; ++i) p[i] = part[i];
}

/// One element, converted.
AFORO_INLINE float to_float(float x) { return x; }
template <typename Half>
AFORO_INLINE float to_float(Half x) {
  return widen(HalfBits{x.bits}, Half{})[0];
}
template <typename T>
AFORO_INLINE T from_float(float x) {
  if constexpr (sizeof(T) == 4) {
    return x;
  } else {
    return T{narrow(splat(x), T{})[0]};
  }
}

/// Calls f(T{}) with T the C++ type of an activation: float, Bf16 or Fp16. Another type is a defect
/// of the caller, `op`.
template <typename F>
void with_type(Dtype dtype, const char* op, F f) {
  switch (dtype) {
    case Dtype::fp32:
      return f(float{});
    case Dtype::bf16:
      return f(Bf16{});
    case Dtype::fp16:
      return f(Fp16{});
    default:
      refuse_type(op, dtype);
  }
}

// --- over lanes

/// Sum of all lanes, by halves: lane i and lane i + width/2 first.
AFORO_INLINE float sum(Vec x) {
  float lanes[width];
  std::memcpy(lanes, &x, sizeof(x));
  for (int n = width / 2; n > 0; n /= 2)
    for (int i = 0; i < n; ++i) lanes[i] += lanes[i + n];
  return lanes[0];
}
/// Largest lane; unspecified if one is NaN.
AFORO_INLINE float max(Vec x) {
  float lanes[width];
  std::memcpy(lanes, &x, sizeof(x));
  for (int n = width / 2; n > 0; n /= 2)
    for (int i = 0; i < n; ++i) lanes[i] = lanes[i] > lanes[i + n] ? lanes[i] : lanes[i + n];
  return lanes[0];
}

// --- functions
// Polynomials: minimax (Remez) in their range, errors below 0.1 units of 2^-24 before rounding.
// tests/cpu/vector_test.cpp measures the whole.

/// e^x within 2 ulp. 0 below log of the smallest normal number (so no subnormal result slows a
/// kernel down), infinity above log of the largest, NaN for NaN.
AFORO_INLINE Vec exp(Vec x) {
  const Vec lowest = splat(-87.336544f), highest = splat(88.722832f);
  // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits of the sum.
  const Vec shifted = x * splat(1.44269504f) + splat(12582912.0f);
  const Vec n = shifted - splat(12582912.0f);
  // log 2 in two parts, the first with so few bits that n times it is exact.
  const Vec r = (x - n * splat(0.693359375f)) - n * splat(-2.12194440e-4f);
  Vec p = splat(1.395086341e-3f);
  p = p * r + splat(8.369072653e-3f);
  p = p * r + splat(4.166620016e-2f);
  p = p * r + splat(1.666651731e-1f);
  p = p * r + splat(5.000000097e-1f);
  p = p * (r * r) + r + splat(1.0f);
  const Vec y = as_float(as_bits(p) + (as_bits(shifted) << 23));
  const Vec above = x <= highest ? y : x + splat(__builtin_inff());
  return x < lowest ? splat(0.0f) : above;
}

/// tanh within 3 ulp; +-1 for large x, NaN for NaN.
AFORO_INLINE Vec tanh(Vec x) {
  const Vec size = abs(x), s = x * x;
  Vec p = splat(-5.717046748e-3f);
  p = p * s + splat(2.065058894e-2f);
  p = p * s + splat(-5.374349855e-2f);
  p = p * s + splat(1.333149129e-1f);
  p = p * s + splat(-3.333328393e-1f);
  const Vec small = p * (s * x) + x;
  const Vec large = splat(1.0f) - splat(2.0f) / (exp(size + size) + splat(1.0f));
  return size < splat(0.625f) ? small : copy_sign(large, x);
}

/// Error function within 3 ulp; NaN for NaN.
AFORO_INLINE Vec erf(Vec x) {
  const Vec size = abs(x), s = x * x;
  Vec p = splat(7.853865931e-5f);
  p = p * s + splat(-8.010194131e-4f);
  p = p * s + splat(5.188327621e-3f);
  p = p * s + splat(-2.685381182e-2f);
  p = p * s + splat(1.128358514e-1f);
  p = p * s + splat(-3.761262582e-1f);
  p = p * s + splat(1.128379166f);
  // Beyond 1: log(1 - erf) as a polynomial; beyond 4 the result rounds to 1.
  const Vec t = size > splat(4.0f) ? splat(4.0f) : size;
  Vec q = splat(1.855706508e-4f);
  q = q * t + splat(-2.939574847e-3f);
  q = q * t + splat(2.180519061e-2f);
  q = q * t + splat(-1.030371068e-1f);
  q = q * t + splat(-6.382259724e-1f);
  q = q * t + splat(-1.127039863f);
  q = q * t + splat(-3.537608734e-4f);
  const Vec large = splat(1.0f) - exp(q);
  return size > splat(1.0f) ? copy_sign(large, x) : p * x;
}

/// 1 / (1 + e^-x).
AFORO_INLINE Vec sigmoid(Vec x) { return splat(1.0f) / (splat(1.0f) + exp(-x)); }

}  // namespace aforo::cpu::AFORO_ISA
