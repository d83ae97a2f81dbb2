#pragma once
// Normal numbers keyed by (seed, stream, element): the same bits on every backend, whatever the
// order in which they are made. In a header, so that plug-ins need no library for it.

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace aforo {

/// Four random words: Philox 4x32-10, a counter-based generator, so that any number can be had
/// without those before it. Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
/// SC 2011.
inline std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                           std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {
        static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
        static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

/// Standard normal numbers of elements 4 * block to 4 * block + 3: Box-Muller in fp64 on the Philox
/// words of the block, of which the first two and the last two are pairs.
inline std::array<double, 4> normal_block(std::uint64_t seed, std::uint32_t stream,
                                          std::uint64_t block) {
  const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  // In (0, 1]: its logarithm is finite.
  const auto unit = [](std::uint32_t word) { return (static_cast<double>(word) + 1) * 0x1p-32; };
  const auto words =
      philox({low(block), low(block >> 32), stream, 0}, {low(seed), low(seed >> 32)});
  std::array<double, 4> numbers;
  for (int pair = 0; pair < 2; ++pair) {
    const double radius = std::sqrt(-2 * std::log(unit(words[2 * pair])));
    const double angle = 2 * std::numbers::pi * unit(words[2 * pair + 1]);
    numbers[2 * pair] = radius * std::cos(angle);
    numbers[2 * pair + 1] = radius * std::sin(angle);
  }
  return numbers;
}

inline double normal_number(std::uint64_t seed, std::uint32_t stream, std::uint64_t element) {
  return normal_block(seed, stream, element / 4)[element % 4];
}

}  // namespace aforo
