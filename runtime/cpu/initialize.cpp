#include "runtime/cpu/initialize.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>

#include "planner/base/error.h"
#include "runtime/core/normal_numbers.h"
#include "runtime/cpu/parallel.h"
#include "runtime/cpu/vector.h"

namespace aforo::cpu {
namespace {

using namespace baseline;

template <typename T>
void put(double x, T* to) {
  if constexpr (std::is_arithmetic_v<T>) {
    *to = static_cast<T>(x);
  } else {
    *to = from_float<T>(static_cast<float>(x));
  }
}

/// Elements [first, last) of a tensor.
struct Elements {
  std::int64_t first, last;
  std::int64_t size() const { return last - first; }
};

template <typename T>
void fill_normal(const Init& init, Elements elements, std::uint64_t seed, T* to, int n_threads) {
  const auto [first, last] = elements;
  parallel_for((last + 3) / 4 - first / 4, n_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = first / 4 + begin; block < first / 4 + end; ++block) {
      const std::array<double, 4> numbers =
          normal_block(seed, init.stream, static_cast<std::uint64_t>(block));
      for (std::int64_t i = std::max(4 * block, first); i < last && i < 4 * block + 4; ++i)
        put(numbers[i - 4 * block] * static_cast<double>(init.value), to + (i - first));
    }
  });
}

/// `to` gets the elements of a tensor that starts as `init` says.
template <typename T>
void fill(const Init& init, Elements elements, std::uint64_t seed, T* to, int n_threads) {
  const auto constant = [&](double value) {
    parallel_for(elements.size(), n_threads, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) put(value, to + i);
    });
  };
  switch (init.kind) {
    case InitKind::none:
    case InitKind::segments:
    case InitKind::copy_of_master:
    case InitKind::zeros:
      return constant(0);
    case InitKind::ones:
      return constant(1);
    case InitKind::constant:
      return constant(static_cast<double>(init.value));
    case InitKind::normal:
      return fill_normal(init, elements, seed, to, n_threads);
  }
}

/// Elements [begin, begin + numel) of the unit.
template <typename T>
void fill_unit(const FlatUnit& unit, std::int64_t begin, std::int64_t numel, std::uint64_t seed,
               T* to, int n_threads) {
  fill(Init{}, {0, numel}, seed, to, n_threads);
  for (const FlatSegment& segment : unit.segments) {
    const std::int64_t first = std::max(begin, segment.begin),
                       last = std::min(begin + numel, segment.begin + segment.shape.numel());
    if (first < last)
      fill(segment.init, {first - segment.begin, last - segment.begin}, seed, to + (first - begin),
           n_threads);
  }
}

/// Calls f(T{}) with the C++ type of `dtype`.
template <typename F>
void with_element_type(Dtype dtype, F f) {
  switch (dtype) {
    case Dtype::fp64:
      return f(double{});
    case Dtype::fp32:
      return f(float{});
    case Dtype::bf16:
      return f(Bf16{});
    case Dtype::fp16:
      return f(Fp16{});
    case Dtype::int32:
      return f(std::int32_t{});
  }
}

}  // namespace

void initialize_buffer(const Buffer& buffer, std::uint64_t seed, std::byte* memory, int n_threads) {
  with_element_type(buffer.dtype, [&]<typename T>(T) {
    fill(buffer.init, {0, buffer.shape.numel()}, seed, reinterpret_cast<T*>(memory), n_threads);
  });
}

void initialize_flat(const Buffer& buffer, const FlatUnit& unit, std::int64_t begin,
                     std::uint64_t seed, std::byte* memory, int n_threads) {
  with_element_type(buffer.dtype, [&]<typename T>(T) {
    fill_unit(unit, begin, buffer.shape.numel(), seed, reinterpret_cast<T*>(memory), n_threads);
  });
}

void convert_buffer(const Buffer& from_buffer, const std::byte* from, const Buffer& to_buffer,
                    std::byte* to, int n_threads) {
  if (from_buffer.dtype != Dtype::fp32 || from_buffer.shape.numel() != to_buffer.shape.numel())
    throw InternalError(
        fmt::format("{} cannot start as a copy of {}", to_buffer.name, from_buffer.name));
  const auto* source = reinterpret_cast<const float*>(from);
  with_type(to_buffer.dtype, "copy_of_master", [&]<typename T>(T) {
    T* target = reinterpret_cast<T*>(to);
    parallel_for(to_buffer.shape.numel(), n_threads, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) target[i] = from_float<T>(source[i]);
    });
  });
}

}  // namespace aforo::cpu
