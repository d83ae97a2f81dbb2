#include "runtime/comm/sum_in_order.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "planner/base/error.h"

namespace aforo::comm {
namespace {

// A block stays in the level 1 cache while the addends pass by; the result is written when all are
// in, since it may be one of them.
constexpr std::int64_t block = 2048;

template <typename T>
void sum(std::int64_t numel, const T* before, int n_addends,
         const std::function<const std::byte*(int)>& addend, T* result) {
  std::array<T, block> sums;
  for (std::int64_t begin = 0; begin < numel; begin += block) {
    const std::int64_t n = std::min(block, numel - begin);
    const std::size_t bytes = static_cast<std::size_t>(n) * sizeof(T);
    if (before == nullptr) {
      std::memset(sums.data(), 0, bytes);
    } else {
      std::memcpy(sums.data(), before + begin, bytes);
    }
    for (int k = 0; k < n_addends; ++k) {
      const T* x = reinterpret_cast<const T*>(addend(k)) + begin;
      for (std::int64_t i = 0; i < n; ++i) sums[i] += x[i];
    }
    std::memcpy(result + begin, sums.data(), bytes);
  }
}

}  // namespace

void sum_in_order(Dtype dtype, std::int64_t numel, const std::byte* before, int n_addends,
                  const std::function<const std::byte*(int)>& addend, std::byte* result) {
  if (dtype == Dtype::fp32)
    return sum(numel, reinterpret_cast<const float*>(before), n_addends, addend,
               reinterpret_cast<float*>(result));
  if (dtype == Dtype::fp64)
    return sum(numel, reinterpret_cast<const double*>(before), n_addends, addend,
               reinterpret_cast<double*>(result));
  throw InternalError(fmt::format("ranks add fp32 and fp64, not {}", name_of(dtype)));
}

}  // namespace aforo::comm
