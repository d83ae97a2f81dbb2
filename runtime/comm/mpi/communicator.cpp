// Collectives as direct exchanges: every rank sends each other rank of the group the part that is
// its. That is as many bytes a rank as in a ring, one latency instead of N - 1, and sums can be
// added in rank order. MPI's own reductions may add in any order.

#include "runtime/comm/mpi/communicator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "planner/program/ops/collective.h"
#include "runtime/comm/mpi/pending.h"
#include "runtime/comm/shares.h"
#include "runtime/comm/sum_in_order.h"

namespace aforo::mpi {
namespace {

class MpiCommunicator final : public Communicator {
 public:
  explicit MpiCommunicator(Seconds timeout) : timeout_(timeout) {
    int provided = 0;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &n_ranks_);
  }
  ~MpiCommunicator() override { MPI_Finalize(); }

  int rank() const override { return rank_; }
  int n_ranks() const override { return n_ranks_; }
  std::string description() const override {
    std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
    int length = 0;
    MPI_Get_library_version(text.data(), &length);
    const std::string_view version(text.data(), static_cast<std::size_t>(length));
    return fmt::format("{} ranks, {}", n_ranks_, version.substr(0, version.find(',')));
  }

  void all_gather(std::span<const std::byte> part, std::span<std::byte> whole, RankGroup group,
                  const std::string& what) override {
    const auto place = [&](int k) {
      return whole.subspan(static_cast<std::size_t>(k) * part.size(), part.size());
    };
    const std::span<std::byte> own = place(group.position(rank_));
    if (own.data() != part.data()) std::memcpy(own.data(), part.data(), part.size());
    spread(group, place, what);
    count(ring_bytes(static_cast<double>(whole.size()), group.size));
  }

  void reduce_scatter(std::span<const std::byte> whole, std::span<std::byte> part, Dtype dtype,
                      bool accumulate, RankGroup group, std::span<std::byte> scratch,
                      const std::string& what) override {
    const auto share = [&](int k) {
      return whole.subspan(static_cast<std::size_t>(group.part(k)) * part.size(), part.size());
    };
    reduce(group, share, part, dtype, accumulate, scratch, what);
    count(ring_bytes(static_cast<double>(whole.size()), group.size));
  }

  void all_reduce(std::span<const std::byte> values, std::span<std::byte> result, Dtype dtype,
                  bool accumulate, RankGroup group, std::span<std::byte> scratch,
                  const std::string& what) override {
    const comm::Shares shares(values.size(), group.size, dtype);
    const auto share = [&](int k) { return values.subspan(shares.begin(k), shares.bytes(k)); };
    const auto place = [&](int k) { return result.subspan(shares.begin(k), shares.bytes(k)); };
    reduce(group, share, place(group.position(rank_)), dtype, accumulate, scratch, what);
    spread(group, place, what);
    count(2 * ring_bytes(static_cast<double>(values.size()), group.size));
  }

  void barrier(const std::string& what) override { any(false, what); }

  bool any(bool mine, const std::string& what) override {
    std::vector<std::byte> flags(static_cast<std::size_t>(n_ranks_));
    flags[rank_] = static_cast<std::byte>(mine);
    spread(
        {n_ranks_, 1}, [&](int k) { return std::span(flags).subspan(k, 1); }, what);
    return std::any_of(flags.begin(), flags.end(), [](std::byte b) { return b != std::byte{0}; });
  }

  Traffic traffic() const override { return traffic_; }

  void stop_all(int exit_code) override { MPI_Abort(MPI_COMM_WORLD, exit_code); }

 private:
  static int member(RankGroup group, int rank, int k) {
    return group.first(rank) + k * group.stride;
  }

  /// Sends the own place(k) to all others, and receives theirs.
  template <typename Place>
  void spread(RankGroup group, Place place, const std::string& what) {
    const int own = group.position(rank_);
    Pending pending;
    for (int k = 0; k < group.size; ++k)
      if (k != own) {
        pending.receive(place(k), member(group, rank_, k));
        traffic_.copied += static_cast<std::int64_t>(place(k).size());
      }
    for (int k = 0; k < group.size; ++k)
      if (k != own) pending.send(place(own), member(group, rank_, k));
    pending.wait(timeout_, what);
  }

  /// result (+)= sum of the own shares of all, piece by piece, as many bytes as `scratch` takes.
  template <typename Share>
  void reduce(RankGroup group, Share share, std::span<std::byte> result, Dtype dtype,
              bool accumulate, std::span<std::byte> scratch, const std::string& what) {
    const int own = group.position(rank_);
    const std::size_t others = static_cast<std::size_t>(std::max(1, group.size - 1));
    const std::size_t room = scratch.size() / others / 64 * 64;
    if (room == 0)
      throw InternalError(
          fmt::format("{}: {} bytes of scratch for {} ranks", what, scratch.size(), group.size));
    std::size_t longest = 0;
    for (int k = 0; k < group.size; ++k) longest = std::max(longest, share(k).size());
    for (std::size_t at = 0; at < longest; at += room) {
      const auto piece = [&](auto bytes) {
        return bytes.subspan(std::min(at, bytes.size()),
                             std::min(room, bytes.size() - std::min(at, bytes.size())));
      };
      const std::span<std::byte> target = piece(result);
      const auto staged = [&](int k) {
        return scratch.subspan(static_cast<std::size_t>(k < own ? k : k - 1) * room, target.size());
      };
      exchange(
          group, [&](int k) { return piece(share(k)); }, staged, what);
      comm::sum_in_order(
          dtype, static_cast<std::int64_t>(target.size()) / size_of(dtype),
          accumulate ? target.data() : nullptr, group.size,
          [&](int k) -> const std::byte* {
            return k == own ? piece(share(own)).data() : staged(k).data();
          },
          target.data());
    }
  }

  /// Sends piece(k) to rank k of the group and receives what it sends into staged(k).
  template <typename Piece, typename Staged>
  void exchange(RankGroup group, Piece piece, Staged staged, const std::string& what) {
    const int own = group.position(rank_);
    Pending pending;
    for (int k = 0; k < group.size; ++k)
      if (k != own) {
        pending.receive(staged(k), member(group, rank_, k));
        traffic_.copied += static_cast<std::int64_t>(staged(k).size());
      }
    for (int k = 0; k < group.size; ++k)
      if (k != own) pending.send(piece(k), member(group, rank_, k));
    pending.wait(timeout_, what);
  }

  void count(double ring) {
    traffic_.ring += ring;
    ++traffic_.n_collectives;
  }

  Seconds timeout_;
  int rank_ = 0, n_ranks_ = 1;
  Traffic traffic_;
};

}  // namespace

std::unique_ptr<Communicator> open_world(Seconds timeout) {
  return std::make_unique<MpiCommunicator>(timeout);
}

}  // namespace aforo::mpi
