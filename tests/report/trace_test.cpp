// Traces: every op once, memory that never overlaps, and a pickle that reads back.

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <map>

#include "planner/lower/lower.h"
#include "planner/report/trace/chrome_trace.h"
#include "planner/report/trace/memory_snapshot.h"
#include "planner/report/trace/pickle.h"
#include "planner/spec/hardware_file.h"
#include "tests/support/random_plans.h"
#include "tests/support/tiny.h"

using namespace aforo;

namespace {

/// Live blocks by address; a failed check if a new one overlaps another.
class Arena {
 public:
  void allocate(std::int64_t address, std::int64_t size) {
    const auto next = blocks_.lower_bound(address);
    if (next != blocks_.end()) CHECK(address + size <= next->first);
    if (next != blocks_.begin()) CHECK(std::prev(next)->second <= address);
    blocks_[address] = address + size;
  }
  void free(std::int64_t address) { CHECK(blocks_.erase(address) == 1); }
  std::size_t n_blocks() const { return blocks_.size(); }

 private:
  std::map<std::int64_t, std::int64_t> blocks_;
};

StepProgram program_of(Recompute recompute) {
  Plan plan;
  plan.recompute.assign(2, recompute);
  plan.micro_batch_size = 2;
  return lower(tiny::job(tiny::llama(), 8), plan, cuda_target());
}

}  // namespace

TEST_CASE("trace: blocks of the arena never overlap, and only what a step keeps is left") {
  for (const Recompute recompute : {Recompute::none, Recompute::selective, Recompute::full}) {
    const StepProgram program = program_of(recompute);
    Arena arena;
    for (const MemoryEvent& event : memory_events(program)) {
      const std::int64_t address = program.memory.offsets[event.buffer];
      if (event.allocates)
        arena.allocate(address, program.buffers[event.buffer].bytes().value);
      else
        arena.free(address);
    }
    std::size_t n_kept = 0;
    for (const Buffer& buffer : program.buffers) n_kept += buffer.persistent;
    CHECK(arena.n_blocks() == n_kept);
  }
}

TEST_CASE("trace: predicted ops end to end, measured ones beside them, memory as a counter") {
  const StepProgram program = program_of(Recompute::none);
  Plan plan;
  plan.recompute.assign(2, Recompute::none);
  plan.micro_batch_size = 2;
  const TrainingJob job = tiny::job(tiny::llama(), 8);
  const Estimate estimate =
      simulate(program, job, plan, *spec_cost_model(find_accelerator("rtx-4090")));
  std::vector<TracedOp> ops = traced_ops(program, estimate);
  ops[0].measured_us = 5;
  const boost::json::value trace = boost::json::parse(chrome_trace(ops, &program));
  std::map<std::pair<std::int64_t, std::string>, int> counts;
  double now = 0;
  for (const boost::json::value& event : trace.at("traceEvents").as_array()) {
    const std::string ph(event.at("ph").as_string());
    ++counts[{event.at("pid").as_int64(), ph}];
    if (ph != "X" || event.at("pid") != 1) continue;
    CHECK(event.at("ts").to_number<double>() == doctest::Approx(now));
    now += event.at("dur").to_number<double>();
  }
  CHECK(counts[{1, "X"}] == static_cast<int>(ops.size()));
  CHECK(counts[{2, "X"}] == static_cast<int>(ops.size()));
  CHECK(counts[{1, "C"}] == static_cast<int>(ops.size()));
  CHECK(counts[{1, "M"}] == 2);
}

TEST_CASE("trace: the pickle is the one Python writes, byte for byte") {
  PickleWriter out;
  out.begin_dict().field("a", std::int64_t{1}).value("b").begin_list().value(std::int64_t{-2});
  out.value(std::int64_t{1} << 40).end_list().end_dict();
  // pickle.loads of these bytes is {"a": 1, "b": [-2, 2**40]}.
  const std::string wanted(
      "\x80\x02}(X\x01\x00\x00\x00"
      "aJ\x01\x00\x00\x00X\x01\x00\x00\x00"
      "b](J\xfe\xff\xff\xff\x8a\x08\x00\x00\x00\x00\x00\x01\x00\x00"
      "eu.",
      41);
  CHECK(out.finish() == wanted);
}
