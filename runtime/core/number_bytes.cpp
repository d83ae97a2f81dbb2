#include "runtime/core/number_bytes.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <random>

namespace aforo {
namespace {

/// The bits of `value`, a number between 2^-14 and 65504, in a floating-point type.
std::uint64_t bits_of(float value, Dtype dtype) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  switch (dtype) {
    case Dtype::fp64:
      return std::bit_cast<std::uint64_t>(static_cast<double>(value));
    case Dtype::bf16:
      return bits >> 16;
    case Dtype::fp16:
      return (bits - (112u << 23)) >> 13;  // exponents are biased by 15, not 127
    default:
      return bits;
  }
}

}  // namespace

std::vector<std::byte> number_bytes(Dtype dtype, std::size_t n_bytes, float scale) {
  constexpr std::size_t period = 65537;
  const std::size_t width = static_cast<std::size_t>(size_of(dtype));
  std::mt19937 random(1);
  std::vector<std::byte> bytes(n_bytes);
  const std::size_t first = std::min(period * width, n_bytes);
  for (std::size_t i = 0; i + width <= first; i += width) {
    const float number = 0.5f + static_cast<float>(random() >> 8) * 0x1p-24f;
    const std::uint64_t bits = bits_of(scale * number, dtype);
    std::memcpy(bytes.data() + i, &bits, width);
  }
  for (std::size_t i = first; i < n_bytes; i += first)
    std::memcpy(bytes.data() + i, bytes.data(), std::min(first, n_bytes - i));
  return bytes;
}

}  // namespace aforo
