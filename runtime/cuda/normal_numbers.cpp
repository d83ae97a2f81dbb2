#include "runtime/cuda/normal_numbers.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "runtime/core/normal_numbers.h"

namespace aforo::cuda {

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
