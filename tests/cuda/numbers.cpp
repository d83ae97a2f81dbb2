#include "tests/cuda/numbers.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace aforo::cuda_test {
namespace {

/// A 16-bit type: sign, exponent, `mantissa` bits; the exponent's bias is half its range.
struct HalfFormat {
  int mantissa, exponent;
  int bias() const { return (1 << (exponent - 1)) - 1; }
};

HalfFormat format_of(Dtype dtype) {
  return dtype == Dtype::bf16 ? HalfFormat{7, 8} : HalfFormat{10, 5};
}

std::uint16_t to_half(double x, HalfFormat f) {
  const int sign = std::signbit(x) ? 1 << 15 : 0;
  const int infinity = ((1 << f.exponent) - 1) << f.mantissa;
  if (std::isnan(x)) return static_cast<std::uint16_t>(sign | infinity | 1 << (f.mantissa - 1));
  if (x == 0) return static_cast<std::uint16_t>(sign);
  int exponent = 0;
  std::frexp(std::abs(x), &exponent);
  // Below the smallest normal number the spacing stays what it is there.
  const int scale = std::max(exponent - 1, 1 - f.bias()) - f.mantissa;
  const double units = std::nearbyint(std::ldexp(std::abs(x), -scale));
  if (std::isinf(x) || std::ldexp(units, scale) >= std::ldexp(2.0, f.bias()))
    return static_cast<std::uint16_t>(sign | infinity);
  // units has the implicit bit where the number is normal: adding it to the exponent field carries.
  const int field = scale + f.mantissa + f.bias() - 1;
  return static_cast<std::uint16_t>(sign | ((field << f.mantissa) + static_cast<int>(units)));
}

double from_half(std::uint16_t bits, HalfFormat f) {
  const int field = (bits >> f.mantissa) & ((1 << f.exponent) - 1),
            fraction = bits & ((1 << f.mantissa) - 1);
  double size = std::ldexp(field == 0 ? fraction : fraction + (1 << f.mantissa),
                           std::max(field, 1) - f.bias() - f.mantissa);
  if (field == (1 << f.exponent) - 1) size = fraction == 0 ? INFINITY : NAN;
  return (bits >> 15) != 0 ? -size : size;
}

template <typename T, typename Convert>
std::vector<std::byte> encode_as(std::span<const double> values, Convert convert) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const T x = convert(values[i]);
    std::memcpy(bytes.data() + i * sizeof(T), &x, sizeof(T));
  }
  return bytes;
}

template <typename T, typename Convert>
std::vector<double> decode_as(std::span<const std::byte> bytes, Convert convert) {
  std::vector<double> values(bytes.size() / sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    T x;
    std::memcpy(&x, bytes.data() + i * sizeof(T), sizeof(T));
    values[i] = convert(x);
  }
  return values;
}

}  // namespace

std::vector<std::byte> encode(std::span<const double> values, Dtype dtype) {
  switch (dtype) {
    case Dtype::fp64:
      return encode_as<double>(values, [](double x) { return x; });
    case Dtype::fp32:
      return encode_as<float>(values, [](double x) { return static_cast<float>(x); });
    case Dtype::int32:
      return encode_as<std::int32_t>(values, [](double x) { return static_cast<std::int32_t>(x); });
    default:
      return encode_as<std::uint16_t>(values,
                                      [&](double x) { return to_half(x, format_of(dtype)); });
  }
}

std::vector<double> decode(std::span<const std::byte> bytes, Dtype dtype) {
  switch (dtype) {
    case Dtype::fp64:
      return decode_as<double>(bytes, [](double x) { return x; });
    case Dtype::fp32:
      return decode_as<float>(bytes, [](float x) { return double{x}; });
    case Dtype::int32:
      return decode_as<std::int32_t>(bytes, [](std::int32_t x) { return double(x); });
    default:
      return decode_as<std::uint16_t>(
          bytes, [&](std::uint16_t x) { return from_half(x, format_of(dtype)); });
  }
}

}  // namespace aforo::cuda_test
