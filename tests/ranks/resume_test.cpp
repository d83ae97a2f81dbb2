// Checkpoints of several ranks: they resume on another number of ranks and under another sharding,
// and what is wrong with one is found by all ranks.

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "planner/base/error.h"
#include "tests/ranks/rank_training.h"
#include "tests/support/rank_plans.h"
#include "tests/support/text.h"

using namespace aforo;
namespace fs = std::filesystem;

namespace {

struct Layout {
  int dp;
  Sharding sharding;
};

Plan in_order(const TrainingJob& job, Precision precision, Layout layout) {
  Plan plan = tiny::rank_plan(job, precision, layout.dp, layout.sharding);
  plan.deterministic = true;
  return plan;
}

struct World {
  TemporaryFolder folder;
  tiny::RankTraining training;

  explicit World(ModelSpec model = tiny::llama(), int batch = 12) {
    training.job = tiny::job(std::move(model), batch, 8);
    training.text = folder.write("text", tiny::training_text());
  }
  tiny::RankTrainingResult train(Layout layout, std::int64_t n_steps, bool resume,
                                 Precision precision = Precision::bf16) {
    training.checkpoints = folder.path() / "checkpoints";
    training.n_steps = n_steps;
    training.resume = resume;
    return tiny::train_on_ranks(training, in_order(training.job, precision, layout));
  }
};

void flip_middle_bit(const fs::path& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto at = static_cast<std::streamoff>(fs::file_size(path) / 2);
  file.seekg(at);
  const char byte = static_cast<char>(file.get() ^ 4);
  file.seekp(at);
  file.put(byte);
}

fs::path shard(const World& world, int step, int rank, int n_ranks) {
  return world.folder.path() / "checkpoints" / ("step-00000000" + std::to_string(step) + ".ckpt") /
         ("rank-000" + std::to_string(rank) + "-of-000" + std::to_string(n_ranks));
}

}  // namespace

TEST_CASE(
    "resume: a run that changes ranks and sharding at every stop goes on bit for bit, in fp32 and "
    "bf16") {
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    World whole, parts;
    const tiny::RankTrainingResult expected = whole.train({1, Sharding::ddp}, 8, false, precision);
    std::vector<double> losses;
    tiny::RankTrainingResult last;
    const Layout layouts[] = {{1, Sharding::ddp},    {4, Sharding::zero3}, {2, Sharding::zero1},
                              {3, Sharding::yafsdp}, {4, Sharding::ddp},   {2, Sharding::fsdp},
                              {4, Sharding::zero2},  {1, Sharding::ddp}};
    for (int step = 0; step < 8; ++step) {
      last = parts.train(layouts[step], step + 1, step > 0, precision);
      CHECK(last.first_step == step);
      losses.insert(losses.end(), last.losses.begin(), last.losses.end());
    }
    CHECK(losses == expected.losses);
    CHECK(last.masters == expected.masters);
  }
}

TEST_CASE("resume: a checkpoint of one plain rank is one file that any layout loads, and back") {
  World world;
  const TrainingJob& job = world.training.job;
  world.training.checkpoints = world.folder.path() / "checkpoints";
  // The plain program of one rank holds tensors as they are; its first step needs no order.
  const StepProgram plain =
      lower(job, tiny::plan(job, Precision::bf16, Recompute::none, 12), cpu_target());
  const auto backend = make_cpu_backend(1);
  const auto executor = backend->load(plain);
  initialize(*executor, plain, 1);
  save_checkpoint(world.training.checkpoints, *executor, plain, {0, "job"});
  CHECK(fs::is_regular_file(checkpoints_in(world.training.checkpoints).at(0)));
  World fresh;
  CHECK(world.train({4, Sharding::zero3}, 2, true).losses ==
        fresh.train({4, Sharding::zero3}, 2, false).losses);
  CHECK(fs::is_directory(checkpoints_in(world.training.checkpoints).at(0)));
  const LoadedCheckpoint back =
      load_checkpoint(world.training.checkpoints, *executor, plain, "job");
  CHECK(back.n_steps_done == 2);
}

TEST_CASE("checkpoint: ranks write every tensor once, and each about as much as the others") {
  World world(tiny::gpt2(4), 4);
  world.train({4, Sharding::ddp}, 1, false);
  const auto size = [&](int rank) {
    return static_cast<double>(fs::file_size(shard(world, 1, rank, 4)));
  };
  double total = 0;
  for (int rank = 0; rank < 4; ++rank) total += size(rank);
  for (int rank = 0; rank < 4; ++rank) CHECK(size(rank) < 0.35 * total);
  // 2 + 4 + 8 bytes a matrix parameter, 4 + 8 a vector's; headers beside.
  const auto n_params = static_cast<double>(count_parameters(world.training.job.model).total());
  CHECK(total < 1.3 * 14 * n_params);
  CHECK(total > 12 * n_params);
}

TEST_CASE("checkpoint: damage that only one rank sees makes all ranks take the one before") {
  World world;
  world.train({4, Sharding::zero3}, 1, false);
  world.train({4, Sharding::zero3}, 2, true);
  flip_middle_bit(shard(world, 2, 3, 4));
  const tiny::RankTrainingResult result = world.train({4, Sharding::zero3}, 3, true);
  CHECK(result.first_step == 1);
  REQUIRE(result.damaged.size() == 1);
  World fresh;
  CHECK(result.losses.back() == fresh.train({1, Sharding::ddp}, 3, false).losses.back());
}

TEST_CASE("checkpoint: a missing file, a short one and a missing mark are found") {
  World world;
  world.train({2, Sharding::zero1}, 1, false);
  const fs::path folder = world.folder.path() / "checkpoints" / "step-000000001.ckpt";
  const auto error = [&] {
    return message_of<Error>([&] { world.train({2, Sharding::zero1}, 2, true); });
  };
  const auto broken = [&](const fs::path& file, auto change) {
    fs::copy_file(file, world.folder.path() / "copy", fs::copy_options::overwrite_existing);
    change(file);
    const std::string message = error();
    fs::copy_file(world.folder.path() / "copy", file, fs::copy_options::overwrite_existing);
    return message;
  };
  const auto remove = [](const fs::path& file) { fs::remove(file); };
  CHECK(contains(broken(shard(world, 1, 1, 2), remove), "rank-0001-of-0002 is missing"));
  CHECK(contains(
      broken(shard(world, 1, 0, 2), [](const fs::path& file) { fs::resize_file(file, 100); }),
      "rank-0000-of-0002 has 100 bytes, expected "));
  CHECK(contains(broken(folder / "complete", remove), "was not completed"));
  CHECK(contains(
      broken(folder / "complete",
             [](const fs::path& file) { std::ofstream(file) << "{\"version\": 2, \"files\": ["; }),
      "complete: "));
  CHECK(error() == "");
}

TEST_CASE("checkpoint: a disk that is full at one rank names it, and the former checkpoint stays") {
  World world;
  world.train({4, Sharding::zero1}, 1, false);
  rlimit former{};
  getrlimit(RLIMIT_FSIZE, &former);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, former.rlim_max};  // on the size of files, as if the disk were full
  setrlimit(RLIMIT_FSIZE, &small);
  std::string message;
  ExitCode code = ExitCode::ok;
  try {
    world.train({4, Sharding::zero1}, 2, true);
  } catch (const RankError& error) {
    message = error.what();
    code = error.code();
  }
  setrlimit(RLIMIT_FSIZE, &former);
  std::signal(SIGXFSZ, handler);
  CHECK(message.starts_with("rank "));
  CHECK(contains(message, "cannot be written: File too large"));
  CHECK(code == ExitCode::environment);
  CHECK(world.train({2, Sharding::zero3}, 2, true).first_step == 1);
}

TEST_CASE("checkpoint: a folder that a crash left unfinished is ignored and removed by the next") {
  World world;
  world.train({2, Sharding::zero2}, 1, false);
  const std::string part =
      world.folder.write("checkpoints/step-000000002.ckpt.part/rank-0000-of-0002", "half");
  CHECK(world.train({2, Sharding::zero2}, 2, true).first_step == 1);
  CHECK_FALSE(fs::exists(part));
  CHECK(checkpoints_in(world.folder.path() / "checkpoints").size() == 2);
}
