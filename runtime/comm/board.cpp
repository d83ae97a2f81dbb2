#include "runtime/comm/board.h"

#include <fmt/format.h>

#include <chrono>

namespace aforo::comm {

void Board::post(int rank, Post post) {
  const std::scoped_lock lock(mutex_);
  post.n_arrived = posts_[rank].n_arrived;
  posts_[rank] = std::move(post);
}

void Board::wait(int rank, RankGroup group) {
  std::unique_lock lock(mutex_);
  if (failure_) fail();
  const std::int64_t target = ++posts_[rank].n_arrived;
  changed_.notify_all();
  const auto late = [&]() -> std::optional<int> {
    for (int k = 0, q = group.first(rank); k < group.size; ++k, q += group.stride)
      if (posts_[q].n_arrived < target) return q;
    return std::nullopt;
  };
  const std::chrono::duration<double> limit(timeout_.value);
  if (!changed_.wait_for(lock, limit, [&] { return failure_.has_value() || !late(); }))
    blame(*late(), posts_[rank].what);
  if (failure_) fail();
}

void Board::abort(int rank, const std::string& message, ExitCode code) {
  const std::scoped_lock lock(mutex_);
  if (!failure_) failure_ = Failure{rank, message, code};
  changed_.notify_all();
}

void Board::done() {
  const std::scoped_lock lock(mutex_);
  ++n_done_;
  changed_.notify_all();
}

bool Board::wait_for_end(Seconds grace) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return n_done_ == n_ranks() || failure_.has_value(); });
  const std::chrono::duration<double> limit(grace.value);
  return changed_.wait_for(lock, limit, [&] { return n_done_ == n_ranks(); });
}

std::optional<Failure> Board::failure() const {
  const std::scoped_lock lock(mutex_);
  return failure_;
}

void Board::blame(int rank, const std::string& what) {
  const std::string& last = posts_[rank].what;
  failure_ = Failure{
      rank,
      fmt::format("rank {} did not come to {} within {:g} s{}; all ranks stopped", rank, what,
                  timeout_.value, last.empty() ? "" : ", it was last seen at " + last),
      ExitCode::rank_failed};
  changed_.notify_all();
}

void Board::fail() const { throw RankError(failure_->rank, failure_->message, failure_->code); }

}  // namespace aforo::comm
