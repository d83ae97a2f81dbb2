#pragma once
// First contents of buffers.

#include <cstddef>
#include <cstdint>

#include "planner/program/buffer.h"

namespace aforo::cpu {

/// Writes buffer.init at `memory`. InitKind::none and copy_of_master give zeros.
void initialize_buffer(const Buffer& buffer, std::uint64_t seed, std::byte* memory, int n_threads);

/// Copies `from` to `to` element by element, rounded to the type of `to`.
void convert_buffer(const Buffer& from_buffer, const std::byte* from, const Buffer& to_buffer,
                    std::byte* to, int n_threads);

}  // namespace aforo::cpu
