#pragma once
// A communicator that does something else at one of its calls: throws, sleeps.

#include <functional>
#include <utility>

#include "runtime/core/communicator.h"

namespace aforo::tiny {

class FaultyCommunicator final : public Communicator {
 public:
  /// `fault` runs before call number `at`, counted from 0; it is not called if that is negative.
  FaultyCommunicator(Communicator& inner, int at, std::function<void()> fault)
      : inner_(inner), at_(at), fault_(std::move(fault)) {}

  int rank() const override { return inner_.rank(); }
  int n_ranks() const override { return inner_.n_ranks(); }
  std::string description() const override { return inner_.description(); }
  Traffic traffic() const override { return inner_.traffic(); }
  int n_calls() const { return n_calls_; }

  void all_gather(std::span<const std::byte> part, std::span<std::byte> whole, RankGroup group,
                  const std::string& what) override {
    before();
    inner_.all_gather(part, whole, group, what);
  }
  void reduce_scatter(std::span<const std::byte> whole, std::span<std::byte> part, Dtype dtype,
                      bool accumulate, RankGroup group, std::span<std::byte> scratch,
                      const std::string& what) override {
    before();
    inner_.reduce_scatter(whole, part, dtype, accumulate, group, scratch, what);
  }
  void all_reduce(std::span<const std::byte> values, std::span<std::byte> result, Dtype dtype,
                  bool accumulate, RankGroup group, std::span<std::byte> scratch,
                  const std::string& what) override {
    before();
    inner_.all_reduce(values, result, dtype, accumulate, group, scratch, what);
  }
  void barrier(const std::string& what) override {
    before();
    inner_.barrier(what);
  }
  bool any(bool mine, const std::string& what) override {
    before();
    return inner_.any(mine, what);
  }

 private:
  void before() {
    if (n_calls_++ == at_) fault_();
  }

  Communicator& inner_;
  int at_;
  std::function<void()> fault_;
  int n_calls_ = 0;
};

}  // namespace aforo::tiny
