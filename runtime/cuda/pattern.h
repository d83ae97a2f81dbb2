#pragma once
// The pattern by which an executor finds out how much of its arena was written.

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace aforo::cuda {

constexpr int n_pattern_marks = 1024;  ///< blocks of the search; each leaves one mark
constexpr std::size_t pattern_marks_bytes = n_pattern_marks * sizeof(std::int64_t);

/// Fills `bytes` bytes, a multiple of 8, with words that depend on their place and are NaN in every
/// element type.
cudaError_t launch_fill_pattern(void* arena, std::int64_t bytes, cudaStream_t stream);

/// marks[b] = one past the highest byte that block b found changed, 0 if none. `marks` has
/// n_pattern_marks elements and lies in host memory that the device can write: the arena is what is
/// being measured.
cudaError_t launch_find_touched(const void* arena, std::int64_t bytes, std::int64_t* marks,
                                cudaStream_t stream);

}  // namespace aforo::cuda
