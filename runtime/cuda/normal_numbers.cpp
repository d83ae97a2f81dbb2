#include "runtime/cuda/normal_numbers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <thread>
#include <vector>

namespace aforo::cuda {
namespace {

using Words = std::array<std::uint32_t, 4>;

Words philox(Words counter, std::array<std::uint32_t, 2> key) {
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

/// In (0, 1]: its logarithm is finite.
double unit(std::uint32_t word) { return (static_cast<double>(word) + 1) * 0x1p-32; }

/// Normal numbers 4 * block .. 4 * block + 3.
std::array<double, 4> normal_block(std::uint64_t seed, std::uint32_t stream, std::uint64_t block) {
  const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  const Words words =
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

}  // namespace

void fill_normal(std::uint64_t seed, std::uint32_t stream, std::int64_t first, double deviation,
                 std::span<float> numbers) {
  const auto n = static_cast<std::int64_t>(numbers.size());
  const std::int64_t n_blocks = (n + 3) / 4;
  const auto fill_blocks = [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block) {
      const auto four = normal_block(seed, stream, static_cast<std::uint64_t>(first / 4 + block));
      for (std::int64_t i = 4 * block; i < std::min(n, 4 * block + 4); ++i)
        numbers[i] = static_cast<float>(four[i - 4 * block] * deviation);
    }
  };
  // 4096 blocks take about 1 ms: less is not worth a thread.
  const std::int64_t most = std::max(1u, std::thread::hardware_concurrency());
  const std::int64_t n_threads = std::clamp<std::int64_t>(n_blocks / 4096, 1, most);
  std::vector<std::jthread> threads;
  for (std::int64_t i = 1; i < n_threads; ++i)
    threads.emplace_back(fill_blocks, n_blocks * i / n_threads, n_blocks * (i + 1) / n_threads);
  fill_blocks(0, n_blocks / n_threads);
}

}  // namespace aforo::cuda
