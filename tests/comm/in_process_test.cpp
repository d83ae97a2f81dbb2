#include "runtime/comm/in_process.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdio>
#include <vector>

#include "runtime/comm/sum_in_order.h"

using namespace aforo;

namespace {

constexpr Seconds limit{20};

template <typename T>
std::span<std::byte> bytes_of(std::vector<T>& values) {
  return std::as_writable_bytes(std::span(values));
}

/// doctest's assertions are for one thread; ranks count what is wrong instead.
class Wrong {
 public:
  void unless(bool right) {
    if (!right) ++n_;
  }
  int n() const { return n_; }

 private:
  std::atomic<int> n_{0};
};

/// Numbers whose sum depends on the order.
float number(int rank, int i) { return (rank % 2 == 0 ? 1e8f : 1.25f) / static_cast<float>(i + 1); }

float sum_in_rank_order(int n_ranks, int i, float before = 0) {
  for (int rank = 0; rank < n_ranks; ++rank) before += number(rank, i);
  return before;
}

}  // namespace

TEST_CASE("in_process: all_gather lays the parts in order, in place too") {
  Wrong wrong;
  for (const int n : {1, 2, 3, 5})
    run_ranks(n, limit, [&](Communicator& communicator) {
      const int rank = communicator.rank();
      std::vector<int> whole(3 * n, -1), part(3);
      for (int i = 0; i < 3; ++i) part[i] = whole[3 * rank + i] = 10 * rank + i;
      communicator.all_gather(bytes_of(part), bytes_of(whole), {n, 1}, "gather");
      for (int i = 0; i < 3 * n; ++i) wrong.unless(whole[i] == 10 * (i / 3) + i % 3);
      std::fill(whole.begin(), whole.end(), -1);
      std::copy(part.begin(), part.end(), whole.begin() + 3 * rank);
      const auto place = bytes_of(whole).subspan(12 * rank, 12);
      communicator.all_gather(place, bytes_of(whole), {n, 1}, "gather");
      for (int i = 0; i < 3 * n; ++i) wrong.unless(whole[i] == 10 * (i / 3) + i % 3);
    });
  CHECK(wrong.n() == 0);
}

TEST_CASE("in_process: reductions add in rank order, from zero or onto what is there") {
  Wrong wrong;
  for (const int n : {1, 2, 3, 4})
    run_ranks(n, limit, [&](Communicator& communicator) {
      const int size = 5 * n, rank = communicator.rank();
      std::vector<float> whole(size), part(5, 7.0f), sum(size, 3.0f);
      for (int i = 0; i < size; ++i) whole[i] = number(rank, i);
      for (const bool accumulate : {false, true}) {
        const std::vector<float> before = part, sum_before = sum;
        communicator.reduce_scatter(bytes_of(whole), bytes_of(part), Dtype::fp32, accumulate,
                                    {n, 1}, {}, "scatter");
        for (int i = 0; i < 5; ++i)
          wrong.unless(part[i] == sum_in_rank_order(n, 5 * rank + i, accumulate ? before[i] : 0));
        communicator.all_reduce(bytes_of(whole), bytes_of(sum), Dtype::fp32, accumulate, {n, 1}, {},
                                "reduce");
        for (int i = 0; i < size; ++i)
          wrong.unless(sum[i] == sum_in_rank_order(n, i, accumulate ? sum_before[i] : 0));
      }
      communicator.all_reduce(bytes_of(whole), bytes_of(whole), Dtype::fp32, false, {n, 1}, {},
                              "in place");
      for (int i = 0; i < size; ++i) wrong.unless(whole[i] == sum_in_rank_order(n, i));
    });
  CHECK(wrong.n() == 0);
}

TEST_CASE("in_process: groups with a stride keep to themselves") {
  Wrong wrong;
  run_ranks(6, limit, [&](Communicator& communicator) {
    const int rank = communicator.rank();
    std::vector<double> one{static_cast<double>(1 << rank)};
    communicator.all_reduce(bytes_of(one), bytes_of(one), Dtype::fp64, false, {2, 3}, {}, "across");
    wrong.unless(one[0] == (1 << rank % 3) + (8 << rank % 3));
    one[0] = 1 << rank;
    communicator.all_reduce(bytes_of(one), bytes_of(one), Dtype::fp64, false, {3, 1}, {}, "inside");
    wrong.unless(one[0] == (rank < 3 ? 7 : 56));
  });
  CHECK(wrong.n() == 0);
}

TEST_CASE("in_process: any is true everywhere if it is true somewhere") {
  Wrong wrong;
  run_ranks(4, limit, [&](Communicator& communicator) {
    wrong.unless(communicator.any(communicator.rank() == 2, "stop"));
    wrong.unless(!communicator.any(false, "stop"));
  });
  CHECK(wrong.n() == 0);
}

TEST_CASE("in_process: a thousand small collectives in a row do not mix up") {
  Wrong wrong;
  run_ranks(3, limit, [&](Communicator& communicator) {
    std::vector<double> x(7);
    for (int k = 0; k < 1000; ++k) {
      for (int i = 0; i < 7; ++i) x[i] = communicator.rank() * 100 + k + i;
      communicator.all_reduce(bytes_of(x), bytes_of(x), Dtype::fp64, false, {3, 1}, {}, "sum");
      for (int i = 0; i < 7; ++i) wrong.unless(x[i] == 300 + 3 * (k + i));
    }
  });
  CHECK(wrong.n() == 0);
}

TEST_CASE("in_process: a thread that never comes back ends the process with code 7 and its name") {
  const int child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::freopen("/dev/null", "w", stderr);
    run_ranks(
        3, Seconds(0.2),
        [](Communicator& communicator) {
          if (communicator.rank() == 1)
            for (;;) pause();
          communicator.barrier("the end");
        },
        Seconds(0.1));
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == static_cast<int>(ExitCode::rank_failed));
}

TEST_CASE("in_process: scattered parts of replicas lie together") {
  Wrong wrong;
  run_ranks(4, limit, [&](Communicator& communicator) {
    const int rank = communicator.rank();
    std::vector<float> whole{1, 2, 3, 4}, part(1);
    communicator.reduce_scatter(bytes_of(whole), bytes_of(part), Dtype::fp32, false, {4, 1, 2}, {},
                                "scatter");
    const float owned[] = {4, 12, 8, 16};  // ranks 0 and 2 the first half, 1 and 3 the second
    wrong.unless(part[0] == owned[rank]);
  });
  CHECK(wrong.n() == 0);
}

TEST_CASE("sum_in_order: minus zero becomes zero, as after a zeroed accumulator") {
  std::vector<float> x{-0.0f}, y{1.0f};
  comm::sum_in_order(
      Dtype::fp32, 1, nullptr, 1, [&](int) { return reinterpret_cast<const std::byte*>(x.data()); },
      reinterpret_cast<std::byte*>(y.data()));
  CHECK(y[0] == 0.0f);
  CHECK_FALSE(std::signbit(y[0]));
}
