#pragma once
// Element types written and read one number at a time, by arithmetic on doubles: independent of the
// kernels' conversions.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "planner/base/dtype.h"

namespace aforo::test {

/// A binary floating point type: `digits` significant bits, the leading one included; smallest
/// normal number 2^min_exponent; the exponent field starts at bit digits - 1.
struct Format {
  int digits;
  int min_exponent;
  double largest;
};
constexpr Format bf16_format{8, -126, 3.3895313892515355e38};
constexpr Format fp16_format{11, -14, 65504};

inline Format format_of(Dtype dtype) { return dtype == Dtype::bf16 ? bf16_format : fp16_format; }

/// Distance of the numbers of this format around x.
inline double ulp(double x, Format format) {
  const int exponent = x == 0 ? format.min_exponent : std::max(std::ilogb(x), format.min_exponent);
  return std::ldexp(1.0, exponent - format.digits + 1);
}

/// Rounds to nearest even; beyond the largest number by half a unit: infinity.
inline double round_to(double x, Format format) {
  if (!std::isfinite(x)) return x;
  const double unit = ulp(x, format);
  const double rounded = std::nearbyint(x / unit) * unit;
  return std::fabs(rounded) > format.largest
             ? std::copysign(std::numeric_limits<double>::infinity(), x)
             : rounded;
}

inline std::uint16_t encode_16(double x, Format format) {
  const int mantissa_bits = format.digits - 1;
  const std::uint16_t sign = std::signbit(x) ? 0x8000 : 0;
  const std::uint16_t infinity =
      static_cast<std::uint16_t>(0x7fff >> mantissa_bits << mantissa_bits);
  if (std::isnan(x)) return infinity | 1 << (mantissa_bits - 1);
  const double y = std::fabs(round_to(x, format));
  if (std::isinf(y)) return sign | infinity;
  if (y == 0) return sign;
  // In units of the last place a subnormal number is its own encoding; each exponent above adds
  // 2^mantissa_bits.
  const int exponent = std::max(std::ilogb(y), format.min_exponent);
  const double mantissa = y / ulp(y, format);
  return static_cast<std::uint16_t>(
      sign | (static_cast<int>(mantissa) + ((exponent - format.min_exponent) << mantissa_bits)));
}

inline double decode_16(std::uint16_t bits, Format format) {
  const int mantissa_bits = format.digits - 1;
  const int exponent = (bits & 0x7fff) >> mantissa_bits;
  const int mantissa = bits & ((1 << mantissa_bits) - 1);
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 0x7fff >> mantissa_bits)
    return mantissa ? std::numeric_limits<double>::quiet_NaN()
                    : sign * std::numeric_limits<double>::infinity();
  const int whole = exponent ? mantissa + (1 << mantissa_bits) : mantissa;
  return sign *
         std::ldexp(whole, format.min_exponent - mantissa_bits + (exponent ? exponent - 1 : 0));
}

template <typename T>
void put(double x, std::byte* to) {
  const T value = static_cast<T>(x);
  std::memcpy(to, &value, sizeof(value));
}
template <typename T>
double get(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return static_cast<double>(value);
}

inline void encode(double x, Dtype dtype, std::byte* to) {
  switch (dtype) {
    case Dtype::fp64:
      return put<double>(x, to);
    case Dtype::fp32:
      return put<float>(x, to);
    case Dtype::int32:
      return put<std::int32_t>(x, to);
    case Dtype::bf16:
    case Dtype::fp16: {
      const std::uint16_t bits = encode_16(x, format_of(dtype));
      std::memcpy(to, &bits, sizeof(bits));
    }
  }
}

inline double decode(const std::byte* from, Dtype dtype) {
  switch (dtype) {
    case Dtype::fp64:
      return get<double>(from);
    case Dtype::fp32:
      return get<float>(from);
    case Dtype::int32:
      return get<std::int32_t>(from);
    case Dtype::bf16:
    case Dtype::fp16: {
      std::uint16_t bits;
      std::memcpy(&bits, from, sizeof(bits));
      return decode_16(bits, format_of(dtype));
    }
  }
  return 0;
}

/// x as an operand of this type holds it.
inline double rounded(double x, Dtype dtype) {
  std::byte bytes[8];
  encode(x, dtype, bytes);
  return decode(bytes, dtype);
}

}  // namespace aforo::test
