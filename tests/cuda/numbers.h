#pragma once
// Element types on the host, one number at a time.

#include <cstddef>
#include <span>
#include <vector>

#include "planner/base/dtype.h"

namespace aforo::cuda_test {

/// Numbers as bytes of a type, to nearest even.
std::vector<std::byte> encode(std::span<const double> values, Dtype dtype);

/// Bytes of a type as numbers, exactly.
std::vector<double> decode(std::span<const std::byte> bytes, Dtype dtype);

}  // namespace aforo::cuda_test
