#pragma once
// Ops in which several ranks take part: each gives its operand, and each gets the result. The ranks
// of a group are `n_ranks` ranks that lie `stride` apart.
//
// Reductions add in the order of the ranks, starting from zero or, with `accumulate`, from what is
// there: the bits do not depend on who owns the sum. `numel` divides by n_ranks where parts are
// spoken of.
#include "planner/program/ops/cost.h"

namespace aforo {

/// whole = the parts of all ranks, one after the other. The own part may lie in its place already.
///   reads  part [numel / n_ranks]      writes  whole [numel], of the same type
struct AllGather {
  static constexpr const char* name = "all_gather";
  std::int64_t numel;  ///< of the whole
  int n_ranks;
  int stride = 1;
};

/// y = sum over ranks of x, or y += it; without `accumulate` in place.
///   reads  x [numel] fp32 or fp64, y if accumulate      writes  y, or x
struct AllReduce {
  static constexpr const char* name = "all_reduce";
  std::int64_t numel;
  int n_ranks;
  int stride = 1;
  bool accumulate = false;
};

/// y = the own part of the sum over ranks of x, or y += it.
///   reads  x [numel] fp32, y if accumulate      writes  y [numel / n_ranks]
/// Rank p of the group owns part p; with `inner` > 1 part (p % inner) (n_ranks / inner) + p /
/// inner: what the ranks of equal p % inner own, the replicas of hsdp, then lies together.
struct ReduceScatter {
  static constexpr const char* name = "reduce_scatter";
  std::int64_t numel;  ///< of the whole
  int n_ranks;
  int stride = 1;
  bool accumulate = false;
  int inner = 1;
};

/// Bytes that one rank sends when a whole of `bytes` goes round a ring once: every part but its own
/// passes through it. Reduce-scatter and all-gather are one round, all-reduce is two. Where parts
/// are not equal, the mean over the ranks.
constexpr double ring_bytes(double bytes, int n_ranks) {
  return n_ranks <= 1 ? 0 : bytes * (n_ranks - 1) / n_ranks;
}

inline Cost cost(const AllGather&, const OperandBytes& size) { return {0, size.total()}; }
inline Cost cost(const AllReduce& op, const OperandBytes& size) {
  return {1.0 * op.numel, size.total()};
}
inline Cost cost(const ReduceScatter& op, const OperandBytes& size) {
  return {1.0 * op.numel, size.total()};
}

}  // namespace aforo
