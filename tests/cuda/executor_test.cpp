#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "planner/base/error.h"
#include "tests/cuda/numbers.h"
#include "tests/cuda/op_case.h"

using namespace aforo;
using namespace aforo::cuda_test;

namespace {

/// What loading this program says, or "" if it loads.
template <typename ErrorType>
std::string load_error(const StepProgram& program) {
  try {
    device().load(program);
  } catch (const ErrorType& error) {
    return error.what();
  }
  return "";
}

StepProgram all_inits() {
  StepProgram program = program_of({.attrs = Add{1001}});
  const BufferId master = program.ops[0].reads[0], other = program.ops[0].reads[1];
  program.buffers[master].init = {InitKind::normal, 0.02f, 7, no_buffer};
  program.buffers[other].init = {InitKind::constant, 0.5f, 0, no_buffer};
  // A 16-bit copy of the master, behind everything else.
  Buffer copy{"copy", {1001, 1, 2}, Dtype::bf16, Role::weight, {}, true};
  copy.init = {InitKind::copy_of_master, 0, 0, master};
  program.buffers.push_back(copy);
  program.memory.offsets.push_back(program.memory.arena.value);
  program.memory.arena += Bytes(2048);
  return program;
}

}  // namespace

TEST_CASE("executor: the second run, which replays a graph, gives the same bits as the first") {
  const OpCase op_case{.attrs = RmsNorm{40, 300, 1e-5f, true}, .type = Dtype::bf16};
  const auto runs = run_repeatedly(device(), op_case, 3);
  for (std::size_t i = 0; i < runs[0].size(); ++i) {
    check_equal(runs[1][i], runs[0][i], "write");
    check_equal(runs[2][i], runs[0][i], "write");
  }
}

TEST_CASE("executor: a profiled run gives the same bits as a plain one, and a time per op") {
  OpCase op_case{.attrs = Add{100000}, .in_place = 0};
  const StepProgram program = program_of(op_case);
  const auto executor = device().load(program);
  const auto values = encode(normal_values(100000), Dtype::fp32);
  executor->write(program.ops[0].reads[0], values);
  executor->write(program.ops[1].reads[1], values);
  const auto times = executor->run_profiled(SectionKind::micro_step);
  REQUIRE(times.size() == 2);
  for (const Seconds& time : times) CHECK(time.value > 0);
  std::vector<std::byte> result(400000);
  executor->read(program.ops[1].writes[0], result);
  Values expected = decode(values, Dtype::fp32);
  for (double& x : expected) x *= 2;
  check_equal(decode(result, Dtype::fp32), expected, "c");
}

TEST_CASE("executor: initial contents equal the CPU's bit for bit") {
  const StepProgram program = all_inits();
  const auto on_device = device().load(program), on_cpu = cpu().load(program);
  on_device->initialize(42);
  on_cpu->initialize(42);
  for (BufferId id = 0; id < static_cast<BufferId>(program.buffers.size()); ++id) {
    if (!program.buffers[id].persistent) continue;
    CAPTURE(program.buffers[id].name);
    std::vector<std::byte> a(static_cast<std::size_t>(program.buffers[id].bytes().value)),
        b(a.size());
    on_device->read(id, a);
    on_cpu->read(id, b);
    CHECK(a == b);
  }
}

TEST_CASE("executor: touched is the highest byte that a run wrote") {
  const StepProgram program = program_of({.attrs = Add{1001}});
  const auto executor = device().load(program);
  executor->fill_pattern();
  CHECK(executor->touched().value == 0);
  executor->run(SectionKind::micro_step);
  // The pattern is NaN, whose sums are NaN of other bits; 4 bytes are a half of a word.
  const std::int64_t end = program.memory.offsets[program.ops[0].writes[0]] + 1001 * 4;
  CHECK(executor->touched().value <= end);
  CHECK(executor->touched().value > end - 4);
}

TEST_CASE("executor: a copy of another size than the buffer's is refused with both sizes") {
  const StepProgram program = program_of({.attrs = Add{10}});
  const auto executor = device().load(program);
  std::vector<std::byte> bytes(36);
  CHECK_THROWS_WITH_AS(executor->write(program.ops[0].reads[0], bytes), doctest::Contains("40"),
                       InternalError);
  CHECK_THROWS_WITH_AS(executor->read(program.ops[0].reads[0], bytes), doctest::Contains("36"),
                       InternalError);
}

TEST_CASE(
    "executor: a program with ops that have no kernel is refused when it is loaded, with all their "
    "names") {
  StepProgram program = program_of({.attrs = Attention{1, 4, 1, 1, 320, 0, 1.0f, false}});
  CHECK(load_error<EnvironmentError>(program).find("attention with head_dim 320") !=
        std::string::npos);
  program = program_of({.attrs = AllReduce{10, 4}, .same = {{0, 0}}});
  CHECK(load_error<EnvironmentError>(program).find("all_reduce over 4 ranks") != std::string::npos);
}

TEST_CASE("executor: an arena larger than the device is refused with both sizes") {
  StepProgram program = program_of({.attrs = Add{10}});
  program.memory.arena = Bytes(std::int64_t{1} << 50);
  const std::string error = load_error<EnvironmentError>(program);
  CHECK(error.find("1048576.0 GiB") != std::string::npos);
  CHECK(error.find("free") != std::string::npos);
}
