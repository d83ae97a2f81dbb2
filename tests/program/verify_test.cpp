#include <doctest/doctest.h>

#include "planner/base/error.h"
#include "planner/lower/lower.h"
#include "planner/program/lifetimes.h"
#include "planner/program/program.h"
#include "tests/support/tiny.h"

using namespace aforo;

namespace {

StepProgram good() {
  const TrainingJob job = tiny::job(tiny::llama());
  return lower(job, tiny::plan(job, Precision::bf16, Recompute::full, 2), cpu_target());
}

Op& first(StepProgram& program, std::string_view name) {
  for (Op& op : program.ops)
    if (name_of(op) == name) return op;
  throw InternalError("no such op");
}

/// Buffers whose memory two ops of the micro-step need at the same time.
BufferId saved_activation(const StepProgram& program, const char* name) {
  for (std::size_t id = 0; id < program.buffers.size(); ++id)
    if (program.buffers[id].name == name) return static_cast<BufferId>(id);
  throw InternalError("no such buffer");
}

}  // namespace

TEST_CASE("verify: finds an operand of the wrong size") {
  StepProgram program = good();
  std::get<Gemm>(first(program, "gemm").attrs).k += 1;
  CHECK_THROWS_AS(verify(program), InternalError);
}

TEST_CASE("verify: finds an operand of the wrong type") {
  StepProgram program = good();
  program.buffers[first(program, "rms_norm").writes[1]].dtype = Dtype::bf16;
  CHECK_THROWS_AS(verify(program), InternalError);
}

TEST_CASE("verify: finds a missing operand") {
  StepProgram program = good();
  first(program, "attention").writes.pop_back();
  CHECK_THROWS_AS(verify(program), InternalError);
}

TEST_CASE("verify: finds a read before any write") {
  StepProgram program = good();
  program.buffers.push_back(program.buffers[first(program, "rope").reads[0]]);
  program.memory.offsets.push_back(0);
  first(program, "rope").reads[0] = static_cast<BufferId>(program.buffers.size()) - 1;
  CHECK_THROWS_AS(verify(program), InternalError);
}

TEST_CASE("verify: finds two live buffers in one place") {
  StepProgram program = good();
  const BufferId x0 = saved_activation(program, "x"), x1 = saved_activation(program, "L00.x");
  program.memory.offsets[x1] = program.memory.offsets[x0];
  CHECK_THROWS_AS(verify(program), InternalError);
}

TEST_CASE("verify: finds a buffer outside the arena and one off the alignment") {
  StepProgram program = good();
  program.memory.offsets[0] += 4;
  CHECK_THROWS_AS(verify(program), InternalError);
  program = good();
  program.memory.arena = program.memory.arena - Bytes(64);
  CHECK_THROWS_AS(verify(program), InternalError);
}

TEST_CASE("verify: finds sections that leave ops out") {
  StepProgram program = good();
  program.sections.back().end -= 1;
  CHECK_THROWS_AS(verify(program), InternalError);
}

TEST_CASE(
    "lifetimes: what is read in a repeated section before it is written lives through all of it") {
  StepProgram program;
  const auto add = [&](const char* name, bool persistent) {
    program.buffers.push_back({name, {1, 4, 1}, Dtype::fp32, Role::activation, {}, persistent});
    return static_cast<BufferId>(program.buffers.size()) - 1;
  };
  const BufferId in = add("in", true), sum = add("sum", false), temporary = add("temporary", false);
  program.ops.push_back({Fill{4, 0}, {}, {sum}, {}});
  program.ops.push_back({Cast{4}, {in}, {temporary}, {}});
  program.ops.push_back({Add{4}, {temporary, sum}, {sum}, {}});
  program.ops.push_back({Cast{4}, {in}, {in}, {}});
  program.sections = {{SectionKind::begin, 0, 1, 1}, {SectionKind::micro_step, 1, 4, 3}};
  const std::vector<Lifetime> lives = lifetimes(program);
  CHECK(lives[sum].first == 0);
  CHECK(lives[sum].last == 3);
  CHECK(lives[temporary].first == 1);
  CHECK(lives[temporary].last == 2);
  CHECK(lives[in].first == 0);
  CHECK(lives[in].last == 3);
}

TEST_CASE("print: names every op with its layer, and every section with its repeats") {
  const StepProgram program = good();
  const std::string text = print(program);
  CHECK(text.find("section micro_step x2") != std::string::npos);
  CHECK(text.find("rec L01 attention.qkv") != std::string::npos);
  CHECK(text.find("bwd L00 mlp.down") != std::string::npos);
}
