#pragma once
// The one addition of all transports, so that they give the same bits.

#include <cstddef>
#include <cstdint>
#include <functional>

#include "planner/base/dtype.h"

namespace aforo::comm {

/// result[i] = (before[i], or +0 if that is null) + addend(0)[i] + addend(1)[i] + ..., in this
/// order. `result` may be the same memory as `before` and as any addend. fp32 and fp64; throws
/// InternalError for other types.
void sum_in_order(Dtype dtype, std::int64_t numel, const std::byte* before, int n_addends,
                  const std::function<const std::byte*(int)>& addend, std::byte* result);

}  // namespace aforo::comm
