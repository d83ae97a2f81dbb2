#include "runtime/cpu/initialize.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <numbers>
#include <type_traits>

#include "planner/base/error.h"
#include "runtime/cpu/parallel.h"
#include "runtime/cpu/vector.h"

namespace aforo::cpu {
namespace {

using namespace baseline;

using Block = std::array<double, 4>;

/// In (0, 1]: its logarithm is finite.
double unit(std::uint32_t word) { return (static_cast<double>(word) + 1) * 0x1p-32; }

/// Normal numbers 4 * block .. 4 * block + 3.
Block normal_block(std::uint64_t seed, std::uint32_t stream, std::uint64_t block) {
  const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  const auto words =
      philox({low(block), low(block >> 32), stream, 0}, {low(seed), low(seed >> 32)});
  Block numbers;
  for (int pair = 0; pair < 2; ++pair) {
    const double radius = std::sqrt(-2 * std::log(unit(words[2 * pair])));
    const double angle = 2 * std::numbers::pi * unit(words[2 * pair + 1]);
    numbers[2 * pair] = radius * std::cos(angle);
    numbers[2 * pair + 1] = radius * std::sin(angle);
  }
  return numbers;
}

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
      const Block numbers =
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

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
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

double normal_number(std::uint64_t seed, std::uint32_t stream, std::uint64_t element) {
  return normal_block(seed, stream, element / 4)[element % 4];
}

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
