#pragma once
// First contents of buffers that start as normal numbers, made on the host: the same bits as on the
// CPU backend, whatever the device's logarithms and sines round to.

#include <cstdint>
#include <span>

namespace aforo::cuda {

/// numbers[i] = deviation * normal number of (seed, stream, first + i), rounded to fp32. Philox
/// 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) on block element
/// / 4, then Box-Muller in fp64; elements 4 i and 4 i + 1 are one pair, 4 i + 2 and 4 i + 3 the
/// other. `first` must be a multiple of 4. Uses all cores.
void fill_normal(std::uint64_t seed, std::uint32_t stream, std::int64_t first, double deviation,
                 std::span<float> numbers);

}  // namespace aforo::cuda
