#include "runtime/cpu/initialize.h"

#include <fmt/format.h>

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

template <typename T>
void fill_normal(const Buffer& buffer, std::uint64_t seed, T* to, int n_threads) {
  const std::int64_t n = buffer.shape.numel();
  parallel_for((n + 3) / 4, n_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block) {
      const std::array<double, 4> numbers =
          normal_block(seed, buffer.init.stream, static_cast<std::uint64_t>(block));
      for (std::int64_t i = 4 * block; i < n && i < 4 * block + 4; ++i)
        put(numbers[i - 4 * block] * static_cast<double>(buffer.init.value), to + i);
    }
  });
}

template <typename T>
void fill(const Buffer& buffer, std::uint64_t seed, T* to, int n_threads) {
  const auto constant = [&](double value) {
    parallel_for(buffer.shape.numel(), n_threads, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) put(value, to + i);
    });
  };
  switch (buffer.init.kind) {
    case InitKind::none:
    case InitKind::copy_of_master:
    case InitKind::zeros:
      return constant(0);
    case InitKind::ones:
      return constant(1);
    case InitKind::constant:
      return constant(static_cast<double>(buffer.init.value));
    case InitKind::normal:
      return fill_normal(buffer, seed, to, n_threads);
  }
}

}  // namespace

void initialize_buffer(const Buffer& buffer, std::uint64_t seed, std::byte* memory, int n_threads) {
  switch (buffer.dtype) {
    case Dtype::fp64:
      return fill(buffer, seed, reinterpret_cast<double*>(memory), n_threads);
    case Dtype::fp32:
      return fill(buffer, seed, reinterpret_cast<float*>(memory), n_threads);
    case Dtype::bf16:
      return fill(buffer, seed, reinterpret_cast<Bf16*>(memory), n_threads);
    case Dtype::fp16:
      return fill(buffer, seed, reinterpret_cast<Fp16*>(memory), n_threads);
    case Dtype::int32:
      return fill(buffer, seed, reinterpret_cast<std::int32_t*>(memory), n_threads);
  }
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
