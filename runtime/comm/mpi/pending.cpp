#include "runtime/comm/mpi/pending.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "planner/base/error.h"
#include "runtime/core/communicator.h"

namespace aforo::mpi {
namespace {

constexpr int tag = 1;
// MPI counts elements in an int.
constexpr std::size_t most_bytes = std::size_t{1} << 30;
// Ranks may be more than cores: a rank that waits leaves its core after this many looks.
constexpr int looks_before_sleep = 200;
constexpr std::chrono::microseconds nap{20};

}  // namespace

void check(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw EnvironmentError(fmt::format("{}: {}", call, text.data()));
}

void Pending::add(int code, MPI_Request request, Message message) {
  check(code, message.incoming ? "MPI_Irecv" : "MPI_Isend");
  requests_.push_back(request);
  messages_.push_back(message);
}

void Pending::receive(std::span<std::byte> bytes, int from) {
  for (std::size_t at = 0; at < bytes.size(); at += most_bytes) {
    const auto part = bytes.subspan(at, std::min(most_bytes, bytes.size() - at));
    MPI_Request request = MPI_REQUEST_NULL;
    const int code = MPI_Irecv(part.data(), static_cast<int>(part.size()), MPI_BYTE, from, tag,
                               MPI_COMM_WORLD, &request);
    add(code, request, {from, true});
  }
}

void Pending::send(std::span<const std::byte> bytes, int to) {
  for (std::size_t at = 0; at < bytes.size(); at += most_bytes) {
    const auto part = bytes.subspan(at, std::min(most_bytes, bytes.size() - at));
    MPI_Request request = MPI_REQUEST_NULL;
    const int code = MPI_Isend(part.data(), static_cast<int>(part.size()), MPI_BYTE, to, tag,
                               MPI_COMM_WORLD, &request);
    add(code, request, {to, false});
  }
}

void Pending::wait(Seconds timeout, const std::string& what) {
  using Clock = std::chrono::steady_clock;
  const auto limit = Clock::now() + std::chrono::duration<double>(timeout.value);
  for (int looks = 0;; ++looks) {
    int done = 0;
    check(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done,
                      MPI_STATUSES_IGNORE),
          "MPI_Testall");
    if (done != 0) break;
    if (looks < looks_before_sleep) continue;
    if (Clock::now() > limit) blame(timeout, what);
    std::this_thread::sleep_for(nap);
  }
  requests_.clear();
  messages_.clear();
}

void Pending::blame(Seconds timeout, const std::string& what) {
  int guilty = -1;
  for (const bool incoming : {true, false})
    for (std::size_t i = 0; i < requests_.size() && guilty < 0; ++i) {
      int done = 0;
      MPI_Test(&requests_[i], &done, MPI_STATUS_IGNORE);
      if (done == 0 && messages_[i].incoming == incoming) guilty = messages_[i].peer;
    }
  throw RankError(guilty, fmt::format("rank {} did not come to {} within {:g} s; all ranks stopped",
                                      guilty, what, timeout.value));
}

}  // namespace aforo::mpi
