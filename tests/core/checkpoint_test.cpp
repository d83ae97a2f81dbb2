#include "runtime/core/checkpoint.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>

#include "planner/base/error.h"
#include "planner/lower/lower.h"
#include "tests/core/fake_backend.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text.h"
#include "tests/support/tiny.h"

using namespace aforo;
namespace fs = std::filesystem;

namespace {

StepProgram program_of(const ModelSpec& model, Precision precision = Precision::bf16,
                       Recompute recompute = Recompute::none, int micro_batch_size = 1) {
  const TrainingJob job = tiny::job(model);
  return lower(job, tiny::plan(job, precision, recompute, micro_batch_size), cpu_target());
}

bool is_carried(const Buffer& buffer) {
  return buffer.persistent && buffer.role != Role::input && buffer.role != Role::workspace;
}

/// An executor whose persistent buffers hold bytes that depend on their name and `salt`.
fake::Executor filled(const StepProgram& program, int salt) {
  fake::Executor executor(program);
  for (std::size_t id = 0; id < program.buffers.size(); ++id) {
    const Buffer& buffer = program.buffers[id];
    if (!buffer.persistent) continue;
    std::vector<std::byte> bytes(static_cast<std::size_t>(buffer.bytes().value));
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<std::byte>(std::hash<std::string>{}(buffer.name) + i * 7 + salt);
    executor.write(static_cast<BufferId>(id), bytes);
  }
  return executor;
}

std::map<std::string, std::vector<std::byte>> carried_contents(const fake::Executor& executor) {
  std::map<std::string, std::vector<std::byte>> contents;
  const StepProgram& program = executor.program();
  for (std::size_t id = 0; id < program.buffers.size(); ++id) {
    if (!is_carried(program.buffers[id])) continue;
    std::vector<std::byte>& bytes = contents[program.buffers[id].name];
    bytes.resize(static_cast<std::size_t>(program.buffers[id].bytes().value));
    executor.read(static_cast<BufferId>(id), bytes);
  }
  return contents;
}

void save(const TemporaryFolder& folder, std::int64_t step, int salt,
          const StepProgram& program = program_of(tiny::gpt2())) {
  save_checkpoint(folder.path(), filled(program, salt), program, {step, "job"});
}

std::string load_error(const TemporaryFolder& folder, const StepProgram& program,
                       const std::string& job_key = "job") {
  fake::Executor executor(program);
  return message_of<Error>([&] { load_checkpoint(folder.path(), executor, program, job_key); });
}

void flip_bit(const fs::path& path, std::int64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  const char byte = static_cast<char>(file.get() ^ 4);
  file.seekp(at);
  file.put(byte);
}

}  // namespace

TEST_CASE("checkpoint: weights, masters, states and control come back bit for bit") {
  const TemporaryFolder folder;
  for (const Precision precision : tiny::precisions) {
    const StepProgram program = program_of(tiny::llama(), precision);
    const fake::Executor saved = filled(program, 1);
    save_checkpoint(folder.path(), saved, program, {17, "job"});
    fake::Executor loaded(program);
    const LoadedCheckpoint result = load_checkpoint(folder.path(), loaded, program, "job");
    CHECK(result.n_steps_done == 17);
    CHECK(result.damaged.empty());
    CHECK(carried_contents(loaded) == carried_contents(saved));
  }
}

TEST_CASE("checkpoint: it loads under another micro-batch size and recomputation") {
  const TemporaryFolder folder;
  const StepProgram one = program_of(tiny::gpt2(), Precision::bf16, Recompute::none, 1);
  const StepProgram other = program_of(tiny::gpt2(), Precision::bf16, Recompute::full, 4);
  const fake::Executor saved = filled(one, 1);
  save_checkpoint(folder.path(), saved, one, {3, "job"});
  fake::Executor loaded(other);
  load_checkpoint(folder.path(), loaded, other, "job");
  CHECK(carried_contents(loaded) == carried_contents(saved));
}

TEST_CASE("checkpoint: the last two are kept, and those of later steps go") {
  const TemporaryFolder folder;
  for (const int step : {1, 2, 30, 100}) save(folder, step, step);
  std::vector<fs::path> files = checkpoints_in(folder.path());
  REQUIRE(files.size() == 2);
  CHECK(files[0].filename() == "step-000000100.ckpt");
  CHECK(files[1].filename() == "step-000000030.ckpt");
  save(folder, 5, 5);  // the run was begun again
  files = checkpoints_in(folder.path());
  REQUIRE(files.size() == 1);
  CHECK(files[0].filename() == "step-000000005.ckpt");
}

TEST_CASE("checkpoint: another precision or model is refused by name, with both values") {
  const TemporaryFolder folder;
  save(folder, 1, 1);
  CHECK(contains(load_error(folder, program_of(tiny::gpt2(), Precision::fp32)),
                 "which this plan does not have; resume with the precision"));
  ModelSpec wider = tiny::gpt2();
  wider.vocab_size = 64;
  CHECK(contains(load_error(folder, program_of(wider)),
                 "wte.master is fp32 [61, 32], but this plan needs fp32 [64, 32]"));
  CHECK(contains(load_error(folder, program_of(tiny::gpt2(), Precision::fp16)),
                 "wte is bf16 [61, 32], but this plan needs fp16 [61, 32]"));
  CHECK(contains(load_error(folder, program_of(tiny::gpt2(3))), "lacks L02."));
}

TEST_CASE("checkpoint: nothing is written into the executor when it is refused") {
  const TemporaryFolder folder;
  save(folder, 1, 1);
  const StepProgram other = program_of(tiny::gpt2(3));
  fake::Executor executor = filled(other, 9);
  const auto before = carried_contents(executor);
  CHECK_THROWS_AS(load_checkpoint(folder.path(), executor, other, "job"), InputError);
  CHECK(carried_contents(executor) == before);
}

TEST_CASE("checkpoint: another job is refused with both keys") {
  const TemporaryFolder folder;
  save(folder, 1, 1);
  CHECK(contains(load_error(folder, program_of(tiny::gpt2()), "elsewhere"),
                 "was made for job job, this plan is for elsewhere"));
}

TEST_CASE("checkpoint: an empty or missing folder says that there is none") {
  const TemporaryFolder folder;
  CHECK(contains(load_error(folder, program_of(tiny::gpt2())), "holds no checkpoint"));
  CHECK(checkpoints_in(folder.path() / "no").empty());
}

TEST_CASE("checkpoint: a flipped bit anywhere is found, and the one before it is used") {
  const TemporaryFolder folder;
  const StepProgram program = program_of(tiny::gpt2());
  save(folder, 1, 1, program);
  save(folder, 2, 2, program);
  const fs::path newest = checkpoints_in(folder.path())[0];
  const auto size = static_cast<std::int64_t>(fs::file_size(newest));
  const auto expected = carried_contents(filled(program, 1));
  // The mark, the header's length, the header, its CRC is somewhere behind; contents; the end mark.
  for (const std::int64_t at : {std::int64_t{0}, std::int64_t{9}, std::int64_t{40}, size / 4,
                                size / 2, size - 9, size - 1}) {
    flip_bit(newest, at);
    fake::Executor executor(program);
    const LoadedCheckpoint loaded = load_checkpoint(folder.path(), executor, program, "job");
    CHECK(loaded.n_steps_done == 1);
    REQUIRE(loaded.damaged.size() == 1);
    CHECK(contains(loaded.damaged[0], newest.string() + ": "));
    CHECK(carried_contents(executor) == expected);
    flip_bit(newest, at);  // back
  }
  fake::Executor executor(program);
  CHECK(load_checkpoint(folder.path(), executor, program, "job").n_steps_done == 2);
}

TEST_CASE("checkpoint: a truncated or lengthened file is found") {
  const TemporaryFolder folder;
  const StepProgram program = program_of(tiny::gpt2());
  save(folder, 1, 1, program);
  const fs::path file = checkpoints_in(folder.path())[0];
  const std::uintmax_t size = fs::file_size(file);
  for (const std::uintmax_t other :
       {std::uintmax_t{0}, std::uintmax_t{5}, std::uintmax_t{20}, size / 2, size - 1, size + 1}) {
    fs::copy_file(file, folder.path() / "copy", fs::copy_options::overwrite_existing);
    fs::resize_file(file, other);
    CHECK(contains(load_error(folder, program), "no checkpoint is intact"));
    fs::copy_file(folder.path() / "copy", file, fs::copy_options::overwrite_existing);
  }
  CHECK(load_error(folder, program) == "");
}

TEST_CASE("checkpoint: a disk that is full leaves the former checkpoint and no half file") {
  const TemporaryFolder folder;
  save(folder, 1, 1);
  // A limit on the size of files stands for the full disk.
  rlimit former{};
  getrlimit(RLIMIT_FSIZE, &former);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, former.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string error = message_of<EnvironmentError>([&] { save(folder, 2, 2); });
  setrlimit(RLIMIT_FSIZE, &former);
  std::signal(SIGXFSZ, handler);
  CHECK(contains(error, "step-000000002.ckpt.part: cannot be written: File too large"));
  CHECK(folder.n_entries() == 1);
  CHECK(load_error(folder, program_of(tiny::gpt2())) == "");
}

TEST_CASE("checkpoint: what a crash left unfinished is ignored and removed by the next one") {
  const TemporaryFolder folder;
  const std::string part = folder.write("step-000000009.ckpt.part", "half");
  CHECK(checkpoints_in(folder.path()).empty());
  save(folder, 10, 1);
  CHECK_FALSE(fs::exists(part));
}

TEST_CASE("checkpoint: a folder that cannot be made is refused") {
  const TemporaryFolder folder;
  const StepProgram program = program_of(tiny::gpt2());
  const fs::path inside_a_file = fs::path(folder.write("file", "x")) / "checkpoints";
  CHECK(contains(message_of<InputError>([&] {
                   save_checkpoint(inside_a_file, filled(program, 1), program, {1, "job"});
                 }),
                 "checkpoints: cannot be made"));
}
