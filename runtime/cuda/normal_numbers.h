#pragma once
// First contents of buffers that start as normal numbers, made on the host: the same bits as on the
// CPU backend, whatever the device's logarithms and sines round to.

#include <cstdint>
#include <span>

namespace aforo::cuda {

/// numbers[i] = deviation * normal number of (seed, stream, first + i), rounded to fp32; see
/// runtime/core/normal_numbers.h. `first` must be a multiple of 4. Uses all cores.
void fill_normal(std::uint64_t seed, std::uint32_t stream, std::int64_t first, double deviation,
                 std::span<float> numbers);

}  // namespace aforo::cuda
