#pragma once
// First contents of buffers.

#include <cstddef>
#include <cstdint>

#include "planner/program/buffer.h"
#include "planner/program/flat.h"

namespace aforo::cpu {

/// Writes buffer.init at `memory`. InitKind::none and copy_of_master give zeros.
void initialize_buffer(const Buffer& buffer, std::uint64_t seed, std::byte* memory, int n_threads);

/// Writes elements [begin, begin + numel of buffer) of a flat unit: its segments' first contents,
/// zeros between and behind them. They do not depend on how the unit is cut.
void initialize_flat(const Buffer& buffer, const FlatUnit& unit, std::int64_t begin,
                     std::uint64_t seed, std::byte* memory, int n_threads);

/// Copies `from` to `to` element by element, rounded to the type of `to`.
void convert_buffer(const Buffer& from_buffer, const std::byte* from, const Buffer& to_buffer,
                    std::byte* to, int n_threads);

}  // namespace aforo::cpu
