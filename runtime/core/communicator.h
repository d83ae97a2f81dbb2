#pragma once
// How ranks talk: collectives over groups of ranks, each with a time-out. Knows nothing of programs
// and strategies.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "planner/base/dtype.h"
#include "planner/base/error.h"
#include "planner/base/units.h"

namespace aforo {

/// `size` ranks that lie `stride` apart; every rank is in one such group. Sizes times strides
/// divide the number of ranks. `inner` says who owns which part of a scattered sum: see
/// ReduceScatter.
struct RankGroup {
  int size = 1;
  int stride = 1;
  int inner = 1;

  int first(int rank) const { return rank - position(rank) * stride; }
  int position(int rank) const { return rank / stride % size; }
  /// Part of a scattered sum that position `p` owns.
  int part(int p) const { return p % inner * (size / inner) + p / inner; }
};

/// What a rank sent so far. `ring` is what a ring would have sent (see ring_bytes), for comparing
/// with the program; `copied` is what this transport moved into the rank.
struct Traffic {
  double ring = 0;
  std::int64_t copied = 0;
  std::int64_t n_collectives = 0;
};

/// A rank failed, or did not come: all ranks stop. The message names it.
struct RankError : Error {
  RankError(int rank, const std::string& message, ExitCode code = ExitCode::rank_failed)
      : Error(code, message), rank(rank) {}
  int rank;
};

/// All ranks of a group must call the same functions with the same sizes, in the same order; `what`
/// names the call in errors. Every call throws RankError if a rank fails or does not come in time,
/// and from then on at every rank.
class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int rank() const = 0;
  virtual int n_ranks() const = 0;
  virtual std::string description() const = 0;  ///< "4 ranks, threads of one process"

  /// whole = the parts of the group, in order. The own part may lie in its place already.
  virtual void all_gather(std::span<const std::byte> part, std::span<std::byte> whole,
                          RankGroup group, const std::string& what) = 0;

  /// part = the own part of the sum of `whole` over the group, added in rank order to zero, or to
  /// what `part` holds. `whole` has group.size times as many elements. fp32 or fp64. `scratch` is
  /// room for what comes from other ranks: at least 64 bytes for each.
  virtual void reduce_scatter(std::span<const std::byte> whole, std::span<std::byte> part,
                              Dtype dtype, bool accumulate, RankGroup group,
                              std::span<std::byte> scratch, const std::string& what) = 0;

  /// result = sum of `values` over the group, or added to what `result` holds. The two may be one
  /// buffer, unless `accumulate`.
  virtual void all_reduce(std::span<const std::byte> values, std::span<std::byte> result,
                          Dtype dtype, bool accumulate, RankGroup group,
                          std::span<std::byte> scratch, const std::string& what) = 0;

  /// Waits for all ranks.
  virtual void barrier(const std::string& what) = 0;

  /// True on every rank if it is on one.
  virtual bool any(bool mine, const std::string& what) = 0;

  virtual Traffic traffic() const = 0;

  /// Ends the processes of all ranks, this one too, with this exit code; returns where ranks are
  /// threads, which errors end.
  virtual void stop_all(int exit_code) { static_cast<void>(exit_code); }
};

}  // namespace aforo
