#pragma once
// Messages between two ranks that are under way, and the wait for them.

#include <mpi.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "planner/base/units.h"

namespace aforo::mpi {

/// The messages of one exchange. All of one pair of ranks arrive in the order in which they were
/// sent.
class Pending {
 public:
  void receive(std::span<std::byte> bytes, int from);
  void send(std::span<const std::byte> bytes, int to);

  /// Returns when all are through. Throws RankError naming the first rank whose message did not come
  /// (or that did not take one) within `timeout`, EnvironmentError if MPI reports a failure.
  void wait(Seconds timeout, const std::string& what);

 private:
  struct Message {
    int peer;
    bool incoming;
  };

  void add(int code, MPI_Request request, Message message);
  [[noreturn]] void blame(Seconds timeout, const std::string& what);

  std::vector<MPI_Request> requests_;
  std::vector<Message> messages_;
};

/// Throws EnvironmentError with MPI's own words unless `code` is MPI_SUCCESS.
void check(int code, const char* call);

}  // namespace aforo::mpi
