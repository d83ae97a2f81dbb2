#pragma once
// What an op costs on any machine: arithmetic, and bytes when every operand crosses memory once.

#include <cstdint>
#include <utility>

#include "planner/base/units.h"

namespace aforo {

struct Cost {
  double flops = 0;
  double bytes = 0;
};

/// Sizes in bytes of the operands of one op, in the order its header documents.
struct OperandBytes {
  const std::int64_t* reads = nullptr;
  const std::int64_t* writes = nullptr;
  int n_reads = 0;
  int n_writes = 0;

  double total() const {
    double sum = 0;
    for (int i = 0; i < n_reads; ++i) sum += static_cast<double>(reads[i]);
    for (int i = 0; i < n_writes; ++i) sum += static_cast<double>(writes[i]);
    return sum;
  }
};

/// Read number `read` may share its memory with write number `write`: the kernel reads each element
/// before it writes it.
struct InPlacePair {
  int read;
  int write;
};

}  // namespace aforo
