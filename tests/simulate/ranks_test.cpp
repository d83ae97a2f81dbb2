// Collectives, and ranks that share a machine, by hand.

#include <doctest/doctest.h>

#include "planner/base/error.h"
#include "planner/lower/lower.h"
#include "planner/simulate/simulate.h"
#include "planner/spec/hardware_file.h"
#include "tests/support/rank_plans.h"

using namespace aforo;

namespace {

/// Two buffers: a whole of 4 MB and the part of one of 4 ranks.
StepProgram collective_program() {
  StepProgram program;
  program.n_ranks = 4;
  program.buffers.push_back({"whole", {1, 1000000, 1}, Dtype::fp32, Role::gradient, {}, true});
  program.buffers.push_back({"part", {1, 250000, 1}, Dtype::fp32, Role::gradient, {}, true});
  return program;
}
double seconds(const CostModel& model, const StepProgram& program, const Op& op) {
  return model.op_time(program, op).time.value;
}
const Op gather{AllGather{1000000, 4}, {1}, {0}, {}};
const Op scatter{ReduceScatter{1000000, 4}, {0}, {1}, {}};
const Op reduce{AllReduce{1000000, 4}, {0}, {0}, {}};

Calibration calibrated_machine() {
  Calibration calibration;
  calibration.name = "here";
  calibration.copy_bandwidth = BytesPerSecond(10e9);
  calibration.op_overhead = Seconds(1e-6);
  calibration.memory = Bytes(8 * gibi);
  for (const char* layout : {"nt", "nn", "tn"})
    calibration.gemm.push_back(
        {Dtype::fp32, layout, false, 1024, 1024, 1024, FlopsPerSecond(100e9)});
  return calibration;
}

}  // namespace

TEST_CASE("traffic: gather and scatter send (N-1)/N of the whole, all-reduce twice that") {
  const StepProgram program = collective_program();
  CHECK(sent_bytes(program, gather) == 3e6);
  CHECK(sent_bytes(program, scatter) == 3e6);
  CHECK(sent_bytes(program, reduce) == 6e6);
  CHECK(ring_bytes(8, 1) == 0);
  CHECK(sent_bytes(program, {AllReduce{1, 3}, {0}, {0}, {}}) == doctest::Approx(4e6 * 4 / 3));
}

TEST_CASE("spec cost model: an all-reduce takes as long as a scatter and a gather") {
  const auto model = spec_cost_model(find_accelerator("h100-sxm"));
  const StepProgram program = collective_program();
  CHECK(seconds(*model, program, gather) == doctest::Approx(seconds(*model, program, scatter)));
  CHECK(seconds(*model, program, reduce) ==
        doctest::Approx(2 * seconds(*model, program, gather)));
  CHECK(std::string(model->op_time(program, gather).limited_by) == "link");
}

TEST_CASE("calibrated cost model: ranks share the cores and the memory of the machine") {
  const auto model = calibrated_cost_model(calibrated_machine());
  CHECK(model->n_devices(4) == 1);
  StepProgram one = collective_program(), four = one;
  one.n_ranks = 1;
  const Op fill{Fill{1000000, 0}, {}, {0}, {}};
  // 4 MB at 10 GB/s, four times; the microsecond before each op is every rank's own.
  CHECK(seconds(*model, one, fill) == doctest::Approx(400e-6 + 1e-6));
  CHECK(seconds(*model, four, fill) == doctest::Approx(1600e-6 + 1e-6));
  // A gather reads and writes 4 MB at each of four ranks, and they wait for each other twice.
  const double waits = seconds(*model, four, gather) - 4 * 8e6 / 10e9;
  CHECK(waits > 0);
  CHECK(waits < 1e-3);
  CHECK(seconds(*model, four, reduce) > seconds(*model, four, scatter));
}

TEST_CASE("simulate: ranks of one machine need their arenas and the rest once, and one device") {
  const TrainingJob job = tiny::job(tiny::llama(), 8);
  const Plan plan = tiny::rank_plan(job, Precision::fp32, 4, Sharding::zero2);
  const auto model = calibrated_cost_model(calibrated_machine());
  const StepProgram program = lower(job, plan, cpu_target());
  const Estimate estimate = simulate(program, job, plan, *model);
  CHECK(estimate.memory == program.memory.arena * 4 + estimate.overhead);
  CHECK(estimate.device_hours.mid == estimate.hours.mid);
}
