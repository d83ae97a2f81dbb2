// The CPU executor on programs of a few ops, put together by hand.

#include <cstdlib>
#include <string>

#include "planner/base/error.h"
#include "runtime/cpu/backend.h"
#include "tests/ops/claims.h"

namespace aforo::test {
namespace {

/// A program whose buffers lie one behind the other.
class ProgramBuilder {
 public:
  ProgramBuilder() {
    program_.ports.workspace = add("workspace", {1, 64 * 1024}, Dtype::fp32, true);
    program_.buffers[0].role = Role::workspace;
  }

  BufferId add(const std::string& name, Shape shape, Dtype dtype, bool persistent, Init init = {}) {
    program_.buffers.push_back({name, shape, dtype, Role::activation, init, persistent});
    return static_cast<BufferId>(program_.buffers.size()) - 1;
  }
  void op(OpAttrs attrs, Ids reads, Ids writes) {
    program_.ops.push_back({attrs, reads, writes, {}});
  }
  /// All ops since the last section.
  void section(SectionKind kind) {
    const int begin = program_.sections.empty() ? 0 : program_.sections.back().end;
    program_.sections.push_back({kind, begin, static_cast<int>(program_.ops.size()), 1});
  }

  StepProgram build() {
    std::int64_t end = 0;
    for (const Buffer& buffer : program_.buffers) {
      program_.memory.offsets.push_back(end);
      end += (buffer.bytes().value + 63) / 64 * 64;
    }
    program_.memory.arena = Bytes(end);
    return program_;
  }

 private:
  StepProgram program_;
};

constexpr std::int64_t n = 100;

/// begin: x = 1.  micro_step: y = x + w, z = y + y.  optimizer: w = z + x.
struct Sums {
  BufferId x, w, y, z;
  StepProgram program;
};

Sums sums() {
  Sums s{};
  ProgramBuilder builder;
  s.w = builder.add("w", {1, n}, Dtype::fp32, true, {InitKind::constant, 5.0f});
  s.x = builder.add("x", {1, n}, Dtype::fp32, false);
  s.z = builder.add("z", {1, n}, Dtype::fp32, false);
  s.y = builder.add("y", {1, n}, Dtype::fp32, false);
  builder.op(Fill{n, 1.0f}, {}, {s.x});
  builder.section(SectionKind::begin);
  builder.op(Add{n}, {s.x, s.w}, {s.y});
  builder.op(Add{n}, {s.y, s.y}, {s.z});
  builder.section(SectionKind::micro_step);
  builder.op(Add{n}, {s.z, s.x}, {s.w});
  builder.section(SectionKind::optimizer);
  s.program = builder.build();
  return s;
}

std::vector<float> read(const Executor& executor, BufferId id, std::int64_t size = n) {
  std::vector<float> values(size);
  executor.read(id, std::as_writable_bytes(std::span(values)));
  return values;
}

std::vector<float> all(float value) { return std::vector<float>(n, value); }

/// Both ways to lay out buffers.
std::vector<std::unique_ptr<Backend>> backends(int n_threads = 2) {
  std::vector<std::unique_ptr<Backend>> result;
  result.push_back(make_cpu_backend(n_threads));
  result.push_back(make_cpu_backend_separate(n_threads));
  return result;
}

class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Environment() { unsetenv(name_); }

 private:
  const char* name_;
};

/// Weights of every kind, a master among them.
StepProgram weights() {
  ProgramBuilder builder;
  const BufferId master =
      builder.add("master", {33, 31}, Dtype::fp32, true, {InitKind::normal, 0.02f, 1});
  builder.add("copy", {33, 31}, Dtype::bf16, true, {InitKind::copy_of_master, 0, 0, master});
  builder.add("other", {33, 31}, Dtype::fp32, true, {InitKind::normal, 0.02f, 2});
  builder.add("state", {33, 31}, Dtype::fp32, true, {InitKind::none});
  builder.op(Add{33 * 31}, {master, master}, {builder.add("sum", {33, 31}, Dtype::fp32, false)});
  builder.section(SectionKind::micro_step);
  return builder.build();
}

std::vector<std::byte> bytes_of(const Executor& executor, const StepProgram& program, BufferId id) {
  std::vector<std::byte> bytes(program.buffers[id].bytes().value);
  executor.read(id, bytes);
  return bytes;
}

}  // namespace

TEST_CASE("executor: a section runs its ops in order, once, and no others") {
  const Sums s = sums();
  for (const auto& backend : backends()) {
    const auto executor = backend->load(s.program);
    executor->initialize(1);
    executor->run(SectionKind::begin);
    CHECK(read(*executor, s.x) == all(1));
    executor->run(SectionKind::micro_step);
    CHECK(read(*executor, s.y) == all(6));
    CHECK(read(*executor, s.z) == all(12));
    CHECK(read(*executor, s.w) == all(5));
    executor->run(SectionKind::optimizer);
    CHECK(read(*executor, s.w) == all(13));
    CHECK_THROWS_AS(executor->run(SectionKind::evaluate), InternalError);
  }
}

TEST_CASE("executor: a profiled section does the same and gives one time for each of its ops") {
  const Sums s = sums();
  const auto executor = make_cpu_backend(2)->load(s.program);
  executor->initialize(1);
  CHECK(executor->run_profiled(SectionKind::begin).size() == 1);
  const std::vector<Seconds> times = executor->run_profiled(SectionKind::micro_step);
  REQUIRE(times.size() == 2);
  for (Seconds time : times) {
    CHECK(time.value > 0);
    CHECK(time.value < 10);
  }
  CHECK(read(*executor, s.z) == all(12));
}

TEST_CASE(
    "executor: the arena counts as touched up to the last byte that was written, never beyond") {
  const Sums s = sums();
  const auto& offsets = s.program.memory.offsets;
  for (const auto& backend : backends()) {
    const auto executor = backend->load(s.program);
    executor->fill_pattern();
    CHECK(executor->touched() == Bytes(0));
    executor->initialize(1);
    CHECK(executor->touched() == Bytes(offsets[s.w] + 4 * n));  // persistent buffers only
    executor->run(SectionKind::begin);
    CHECK(executor->touched() == Bytes(offsets[s.x] + 4 * n));
    executor->run(SectionKind::micro_step);
    CHECK(executor->touched() == Bytes(offsets[s.y] + 4 * n));
    CHECK(executor->touched() <= s.program.memory.arena);
    executor->fill_pattern();
    CHECK(executor->touched() == Bytes(0));
  }
}

TEST_CASE("executor: the pattern is NaN in every element type") {
  ProgramBuilder builder;
  const BufferId x = builder.add("x", {1, 4096}, Dtype::fp32, false);
  builder.section(SectionKind::micro_step);
  const StepProgram program = builder.build();
  const auto executor = make_cpu_backend(1)->load(program);
  executor->fill_pattern();
  const std::vector<std::byte> bytes = bytes_of(*executor, program, x);
  for (Dtype dtype : {Dtype::fp64, Dtype::fp32, Dtype::bf16, Dtype::fp16}) {
    CAPTURE(std::string(name_of(dtype)));
    int n_numbers = 0;
    for (std::size_t at = 0; at < bytes.size(); at += size_of(dtype))
      n_numbers += !std::isnan(decode(bytes.data() + at, dtype));
    CHECK(n_numbers == 0);
  }
}

TEST_CASE(
    "executor: what initialize writes depends on the seed and the stream, not on threads or "
    "layout") {
  const StepProgram program = weights();
  const auto contents = [&](Backend& backend, std::uint64_t seed) {
    const auto executor = backend.load(program);
    executor->initialize(seed);
    std::vector<std::vector<std::byte>> result;
    for (BufferId id = 1; id <= 4; ++id) result.push_back(bytes_of(*executor, program, id));
    return result;
  };
  const auto one = contents(*make_cpu_backend(1), 7);
  for (int n_threads : {1, 2, 3})
    for (const auto& backend : backends(n_threads)) CHECK(contents(*backend, 7) == one);
  CHECK(contents(*make_cpu_backend(1), 8)[0] != one[0]);
  CHECK(one[0] != one[2]);
}

TEST_CASE(
    "executor: a 16-bit weight starts as its rounded master, a buffer without a first value as "
    "zeros") {
  const StepProgram program = weights();
  const auto executor = make_cpu_backend(2)->load(program);
  executor->fill_pattern();
  executor->initialize(3);
  const auto master = bytes_of(*executor, program, 1), copy = bytes_of(*executor, program, 2);
  for (std::size_t i = 0; i < 33 * 31; ++i)
    REQUIRE(decode(copy.data() + 2 * i, Dtype::bf16) ==
            rounded(decode(master.data() + 4 * i, Dtype::fp32), Dtype::bf16));
  for (std::byte b : bytes_of(*executor, program, 4)) REQUIRE(b == std::byte{0});
}

TEST_CASE("executor: a copy of another size than the buffer is refused") {
  const Sums s = sums();
  const auto executor = make_cpu_backend(1)->load(s.program);
  std::vector<std::byte> bytes(4 * n - 1);
  CHECK_THROWS_AS(executor->write(s.x, bytes), InternalError);
  CHECK_THROWS_AS(executor->read(s.x, bytes), InternalError);
}

TEST_CASE("executor: a program without a memory plan, or larger than the machine, is refused") {
  Sums s = sums();
  StepProgram unplanned = s.program;
  unplanned.memory = {};
  for (const auto& backend : backends()) CHECK_THROWS_AS(backend->load(unplanned), InternalError);
  s.program.memory.arena = Bytes(1024 * 1024 * gibi);
  CHECK_THROWS_AS(make_cpu_backend(1)->load(s.program), EnvironmentError);
}

TEST_CASE("executor: own products and oneDNN's agree to fp32 rounding in a program") {
  ProgramBuilder builder;
  const std::int64_t m = 50, k = 70;
  const BufferId a = builder.add("a", {m, k}, Dtype::fp32, true, {InitKind::normal, 1.0f, 1});
  const BufferId b = builder.add("b", {n, k}, Dtype::fp32, true, {InitKind::normal, 1.0f, 2});
  const BufferId c = builder.add("c", {m, n}, Dtype::fp32, false);
  builder.op(Gemm{m, n, k, false, true, false, false}, {a, b}, {c});
  builder.section(SectionKind::micro_step);
  const StepProgram program = builder.build();
  const auto product = [&](const char* way) {
    const Environment environment("AFORO_CPU_GEMM", way);
    const auto executor = make_cpu_backend(2)->load(program);
    executor->initialize(1);
    executor->run(SectionKind::micro_step);
    const std::vector<float> values = read(*executor, c, m * n);
    return Doubles(values.begin(), values.end());
  };
  // k products of at most 5 x 5, each side rounds 2 k times.
  check_close(product("own"), product("onednn"), 4.0 * k * k * 25 * unit_roundoff);
}

TEST_CASE("backend: the description names threads, instruction set and library") {
  const std::string description = make_cpu_backend(2)->description();
  CHECK(description.starts_with("cpu, 2 threads, "));
  const Environment environment("AFORO_CPU_ISA", "baseline");
  CHECK(make_cpu_backend(1)->description().starts_with("cpu, 1 thread, baseline"));
}

TEST_CASE("backend: AFORO_CPU_ISA names an instruction set that exists and that the machine has") {
  const Environment environment("AFORO_CPU_ISA", "sse9");
  CHECK_THROWS_AS(make_cpu_backend(1), InputError);
}

TEST_CASE("backend: without a number of threads it takes the cores that the process may use") {
  CHECK(make_cpu_backend()->n_threads() >= 1);
  CHECK(make_cpu_backend(3)->n_threads() == 3);
}

}  // namespace aforo::test
