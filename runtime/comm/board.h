#pragma once
// What ranks that are threads show each other, and where they wait.

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "planner/base/units.h"
#include "runtime/core/communicator.h"

namespace aforo::comm {

/// What a rank shows the others.
struct Post {
  const std::byte* read = nullptr;
  std::byte* write = nullptr;
  std::size_t bytes = 0;
  bool flag = false;
  std::string what;            ///< the call it is in, or was in last
  std::int64_t n_arrived = 0;  ///< waits it has come to
};

/// What stops all ranks.
struct Failure {
  int rank;
  std::string message;
  ExitCode code;
};

/// What all ranks share. All run the same program, so that each counts its waits and the counts can
/// be compared.
class Board {
 public:
  Board(int n_ranks, Seconds timeout) : posts_(n_ranks), timeout_(timeout) {}

  int n_ranks() const { return static_cast<int>(posts_.size()); }

  void post(int rank, Post post);

  /// Of another rank of the group, between two waits of both.
  const Post& of(int rank) const { return posts_[rank]; }

  /// Waits until all of the group have come to as many waits. Throws RankError if one fails or does
  /// not come.
  void wait(int rank, RankGroup group);

  /// The first failure counts.
  void abort(int rank, const std::string& message, ExitCode code);

  /// A rank's thread is at its end.
  void done();

  /// Waits until all threads are done, after a failure no longer than `grace`; false if some are
  /// not.
  bool wait_for_end(Seconds grace);

  std::optional<Failure> failure() const;

 private:
  void blame(int rank, const std::string& what);
  [[noreturn]] void fail() const;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Post> posts_;
  Seconds timeout_;
  std::optional<Failure> failure_;
  int n_done_ = 0;
};

}  // namespace aforo::comm
