#pragma once
// Flat units: parameters that lie one after the other, so that one collective moves them and one op
// updates them.

#include <cstdint>
#include <string>
#include <vector>

#include "planner/program/buffer.h"

namespace aforo {

/// The gradient norm is summed over chunks of this many elements, in the order of the units. Parts
/// of ranks are whole chunks, so the sum does not depend on who owns them.
constexpr std::int64_t norm_chunk = 1024;

/// One parameter of a unit.
struct FlatSegment {
  std::string name;
  Shape shape;
  std::int64_t begin = 0;  ///< first element in the unit
  Init init;
};

/// Elements of a unit: its segments in order, zeros between and behind them.
struct FlatUnit {
  std::string name;  ///< "L03.matrices"
  std::int64_t numel = 0;
  std::vector<FlatSegment> segments;
};

}  // namespace aforo
