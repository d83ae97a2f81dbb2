// One rank fails, hangs or sees something else than the others: all stop, and the message names it.

#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "planner/base/error.h"
#include "tests/ranks/rank_training.h"
#include "tests/support/rank_plans.h"
#include "tests/support/text.h"

using namespace aforo;

namespace {

struct Failure {
  int rank = -1;
  ExitCode code = ExitCode::ok;
  std::string message;
};

template <typename F>
Failure failure_of(F f) {
  try {
    f();
  } catch (const RankError& error) {
    return {error.rank, error.code(), error.what()};
  }
  return {};
}

struct FaultWorld {
  TemporaryFolder folder;
  tiny::RankTraining training;
  Plan plan;

  explicit FaultWorld(Sharding sharding = Sharding::zero3) {
    training.job = tiny::job(tiny::llama(1), 6, 4);
    training.text = folder.write("text", tiny::training_text());
    training.checkpoints = folder.path() / "checkpoints";
    training.n_steps = 2;
    plan = tiny::rank_plan(training.job, Precision::fp32, 3, sharding);
    plan.deterministic = true;
  }
  Failure with_fault(int rank, int at, std::function<void()> fault) {
    training.faulty_rank = rank;
    training.fault_at = at;
    training.fault = std::move(fault);
    return failure_of([&] { tiny::train_on_ranks(training, plan); });
  }
};

}  // namespace

TEST_CASE(
    "faults: a rank that fails at any collective of a run stops all ranks, which name it, and the "
    "run resumes from the last checkpoint bit for bit") {
  FaultWorld whole, longer;
  const tiny::RankTrainingResult expected = tiny::train_on_ranks(whole.training, whole.plan);
  longer.training.n_steps = 3;
  const std::vector<double> three = tiny::train_on_ranks(longer.training, longer.plan).losses;
  const int n_calls = expected.n_calls;
  REQUIRE(n_calls > 50);
  for (int at = 0; at < n_calls; at += at < 6 || at > n_calls - 6 ? 1 : 17) {
    CAPTURE(at);
    FaultWorld world;
    world.training.save_every = 1;
    const Failure failure =
        world.with_fault(at % 3, at, [] { throw std::runtime_error("the cable is cut"); });
    CHECK(failure.rank == at % 3);
    CHECK(failure.code == ExitCode::rank_failed);
    CHECK(
        contains(failure.message, "rank " + std::to_string(at % 3) + " failed: the cable is cut"));
    world.training.faulty_rank = -1;
    world.training.resume = !checkpoints_in(world.training.checkpoints).empty();
    if (world.training.resume) {
      const auto saved = checkpoints_in(world.training.checkpoints).front().filename().string();
      world.training.n_steps = 3;
      const tiny::RankTrainingResult rest = tiny::train_on_ranks(world.training, world.plan);
      CHECK(rest.first_step == (saved[13] - '0'));
      CHECK(rest.losses == std::vector<double>(three.begin() + rest.first_step, three.end()));
    } else {
      CHECK(tiny::train_on_ranks(world.training, world.plan).losses == expected.losses);
    }
  }
}

TEST_CASE("faults: an error of aforo in one rank keeps its exit code") {
  FaultWorld world;
  const Failure failure =
      world.with_fault(1, 5, [] { throw EnvironmentError("no space left on device"); });
  CHECK(failure.rank == 1);
  CHECK(failure.code == ExitCode::environment);
  CHECK(contains(failure.message, "rank 1 failed: no space left on device"));
}

TEST_CASE(
    "faults: a rank that hangs is named after the time-out, with the call it is missing from") {
  FaultWorld world(Sharding::yafsdp);
  world.training.timeout = Seconds(2);  // long for a rank that only waits for a core
  const Failure failure = world.with_fault(2, 9, [&] {
    while (world.training.n_stopped == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  });
  CHECK(failure.rank == 2);
  CHECK(failure.code == ExitCode::rank_failed);
  CHECK(contains(failure.message, "rank 2 did not come to "));
  CHECK(contains(failure.message, " within 2 s, it was last seen at "));
}

TEST_CASE("faults: a rank whose call differs from the others' is found out") {
  const Failure failure = failure_of([] {
    run_ranks(2, tiny::rank_timeout, [](Communicator& communicator) {
      std::vector<float> values(communicator.rank() == 0 ? 4 : 8);
      const auto bytes = std::as_writable_bytes(std::span(values));
      communicator.all_reduce(bytes, bytes, Dtype::fp32, false, {2, 1}, {}, "sum");
    });
  });
  CHECK(failure.rank >= 0);
  CHECK(contains(failure.message, "is at sum with "));
}

TEST_CASE("faults: a rank that ends early is missed at the next call") {
  const Failure failure = failure_of([] {
    run_ranks(3, Seconds(0.2), [](Communicator& communicator) {
      if (communicator.rank() == 1) return;
      communicator.barrier("the end");
    });
  });
  CHECK(failure.rank == 1);
  CHECK(contains(failure.message, "rank 1 did not come to the end"));
}
