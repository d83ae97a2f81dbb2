#pragma once
// First contents of buffers.

#include <array>
#include <cstddef>
#include <cstdint>

#include "planner/program/buffer.h"

namespace aforo::cpu {

/// Four random words: Philox 4x32-10, a counter-based generator, so that any number can be had
/// without those before it. Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
/// SC 2011.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key);

/// Standard normal number of (seed, stream, element): Box-Muller in fp64 on the Philox words of
/// block element / 4, of which elements 4 i and 4 i + 1 are one pair, 4 i + 2 and 4 i + 3 the
/// other.
double normal_number(std::uint64_t seed, std::uint32_t stream, std::uint64_t element);

/// Writes buffer.init at `memory`. InitKind::none and copy_of_master give zeros.
void initialize_buffer(const Buffer& buffer, std::uint64_t seed, std::byte* memory, int n_threads);

/// Copies `from` to `to` element by element, rounded to the type of `to`.
void convert_buffer(const Buffer& from_buffer, const std::byte* from, const Buffer& to_buffer,
                    std::byte* to, int n_threads);

}  // namespace aforo::cpu
