#pragma once
// Random numbers as the bytes of buffers.

#include <cstddef>
#include <vector>

#include "planner/base/dtype.h"

namespace aforo {

/// `n_bytes` of random numbers in [0.5, 1.5) * scale of a floating-point type, the same in every
/// call. They repeat after a prime number of elements, so that rows of an operand differ. Scales:
/// 2^-13 to 2^15, which fp16 has as normal numbers.
std::vector<std::byte> number_bytes(Dtype dtype, std::size_t n_bytes, float scale = 1);

}  // namespace aforo
