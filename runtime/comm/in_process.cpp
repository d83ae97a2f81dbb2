// Ranks put the addresses of their operands on a board, wait until all of their group have, read
// from each other, and wait again before they go on.

#include "runtime/comm/in_process.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "planner/program/ops/collective.h"
#include "runtime/comm/board.h"
#include "runtime/comm/shares.h"
#include "runtime/comm/sum_in_order.h"

namespace aforo {
namespace {

using comm::Board;
using comm::Post;

class InProcessCommunicator final : public Communicator {
 public:
  InProcessCommunicator(Board& board, int rank) : board_(board), rank_(rank) {}

  int rank() const override { return rank_; }
  int n_ranks() const override { return board_.n_ranks(); }
  std::string description() const override {
    return fmt::format("{} ranks, threads of one process", n_ranks());
  }

  void all_gather(std::span<const std::byte> part, std::span<std::byte> whole, RankGroup group,
                  const std::string& what) override {
    meet({part.data(), nullptr, part.size(), false, what}, group);
    for (int k = 0; k < group.size; ++k) {
      std::byte* place = whole.data() + static_cast<std::size_t>(k) * part.size();
      copy(group, k, peer(group, k).read, place, part.size());
    }
    board_.wait(rank_, group);
    count(ring_bytes(static_cast<double>(whole.size()), group.size));
  }

  void reduce_scatter(std::span<const std::byte> whole, std::span<std::byte> part, Dtype dtype,
                      bool accumulate, RankGroup group, std::span<std::byte>,
                      const std::string& what) override {
    meet({whole.data(), nullptr, whole.size(), false, what}, group);
    const std::size_t at =
        static_cast<std::size_t>(group.part(group.position(rank_))) * part.size();
    add(part, at, dtype, accumulate, group);
    board_.wait(rank_, group);
    count(ring_bytes(static_cast<double>(whole.size()), group.size));
  }

  void all_reduce(std::span<const std::byte> values, std::span<std::byte> result, Dtype dtype,
                  bool accumulate, RankGroup group, std::span<std::byte>,
                  const std::string& what) override {
    meet({values.data(), result.data(), values.size(), false, what}, group);
    const comm::Shares shares(values.size(), group.size, dtype);
    const int own = group.position(rank_);
    add(result.subspan(shares.begin(own), shares.bytes(own)), shares.begin(own), dtype, accumulate,
        group);
    board_.wait(rank_, group);
    for (int k = 0; k < group.size; ++k)
      copy(group, k, peer(group, k).write + shares.begin(k), result.data() + shares.begin(k),
           shares.bytes(k));
    board_.wait(rank_, group);
    count(2 * ring_bytes(static_cast<double>(values.size()), group.size));
  }

  void barrier(const std::string& what) override { any(false, what); }

  bool any(bool mine, const std::string& what) override {
    const RankGroup all{n_ranks(), 1};
    meet({nullptr, nullptr, 0, mine, what}, all);
    bool result = false;
    for (int k = 0; k < all.size; ++k) result = result || peer(all, k).flag;
    board_.wait(rank_, all);
    return result;
  }

  Traffic traffic() const override { return traffic_; }

 private:
  const Post& peer(RankGroup group, int k) const {
    return board_.of(group.first(rank_) + k * group.stride);
  }

  /// Shows `post` and waits until all of the group show theirs; they must be in the same call.
  void meet(Post post, RankGroup group) {
    const std::string what = post.what;
    const std::size_t bytes = post.bytes;
    board_.post(rank_, std::move(post));
    board_.wait(rank_, group);
    for (int k = 0; k < group.size; ++k)
      if (const Post& other = peer(group, k); other.what != what || other.bytes != bytes)
        throw InternalError(fmt::format("is at {} with {} bytes, but rank {} is at {} with {}",
                                        what, bytes, group.first(rank_) + k * group.stride,
                                        other.what, other.bytes));
  }

  /// target = sum of the group's operands from byte `at` on.
  void add(std::span<std::byte> target, std::size_t at, Dtype dtype, bool accumulate,
           RankGroup group) {
    const auto numel = static_cast<std::int64_t>(target.size()) / size_of(dtype);
    comm::sum_in_order(
        dtype, numel, accumulate ? target.data() : nullptr, group.size,
        [&](int k) { return peer(group, k).read + at; }, target.data());
    traffic_.copied += static_cast<std::int64_t>(target.size()) * (group.size - 1);
  }

  /// From rank `k` of the group.
  void copy(RankGroup group, int k, const std::byte* from, std::byte* to, std::size_t bytes) {
    if (from != to) std::memcpy(to, from, bytes);
    if (k != group.position(rank_)) traffic_.copied += static_cast<std::int64_t>(bytes);
  }

  void count(double ring) {
    traffic_.ring += ring;
    ++traffic_.n_collectives;
  }

  Board& board_;
  int rank_;
  Traffic traffic_;
};

/// One rank's thread: whatever it throws stops the others.
void run_rank(Board& board, int rank, const std::function<void(Communicator&)>& rank_main) {
  const auto failed = [&](const char* why, ExitCode code) {
    board.abort(rank, fmt::format("rank {} failed: {}", rank, why), code);
  };
  try {
    InProcessCommunicator communicator(board, rank);
    rank_main(communicator);
  } catch (const RankError&) {
    // another rank's failure, which is on the board
  } catch (const Error& error) {
    failed(error.what(), error.code());
  } catch (const std::exception& error) {
    failed(error.what(), ExitCode::rank_failed);
  } catch (...) {
    failed("for an unknown reason", ExitCode::rank_failed);
  }
  board.done();
}

}  // namespace

void run_ranks(int n_ranks, Seconds timeout, const std::function<void(Communicator&)>& rank_main,
               Seconds grace) {
  if (n_ranks < 1) throw InternalError(fmt::format("{} ranks cannot run", n_ranks));
  Board board(n_ranks, timeout);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < n_ranks; ++rank)
    threads.emplace_back([&, rank] { run_rank(board, rank, rank_main); });
  if (!board.wait_for_end(grace)) {
    std::fprintf(stderr, "aforo: %s\n", board.failure()->message.c_str());
    std::fflush(nullptr);
    std::_Exit(static_cast<int>(ExitCode::rank_failed));
  }
  for (std::thread& thread : threads) thread.join();
  if (const auto failure = board.failure())
    throw RankError(failure->rank, failure->message, failure->code);
}

}  // namespace aforo
