#pragma once
// Who adds what of a buffer whose elements do not divide by the number of ranks.

#include <cstddef>

#include "planner/base/dtype.h"

namespace aforo::comm {

/// `bytes` of elements cut into one run a rank, whose sizes differ by at most one element.
class Shares {
 public:
  Shares(std::size_t bytes, int n_ranks, Dtype dtype)
      : width_(static_cast<std::size_t>(size_of(dtype))),
        numel_(bytes / width_),
        n_ranks_(static_cast<std::size_t>(n_ranks)) {}

  std::size_t begin(int rank) const {
    return numel_ * static_cast<std::size_t>(rank) / n_ranks_ * width_;
  }
  std::size_t bytes(int rank) const { return begin(rank + 1) - begin(rank); }

 private:
  std::size_t width_, numel_, n_ranks_;
};

}  // namespace aforo::comm
