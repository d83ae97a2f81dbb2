#include <doctest/doctest.h>

#include <cmath>

#include "planner/program/control.h"
#include "tests/cuda/op_case.h"

using namespace aforo;
using namespace aforo::cuda_test;

namespace {

Values control_values(double multiplier, bool skip, double steps) {
  Values values(control::size, 0.0);
  values[control::loss_scale] = 1;
  values[control::gradient_multiplier] = multiplier;
  values[control::skip] = skip;
  values[control::optimizer_steps] = steps;
  return values;
}

Values schedule_values(double learning_rate) { return {learning_rate, 0, 0, 0}; }

OpCase adamw_case(std::int64_t n, bool has_copy, Dtype copy_type, bool skip) {
  OpCase op_case{.attrs = AdamW{n, 0.9f, 0.95f, 1e-8f, 0.1f, has_copy}, .output_type = copy_type};
  op_case.same = {{1, 0}, {2, 1}, {3, 2}};
  op_case.reads[3] = normal_values(n, 1, 9);
  for (double& v : op_case.reads[3]) v *= v;  // a mean of squares
  op_case.reads[4] = control_values(0.5, skip, 3);
  op_case.reads[5] = schedule_values(1e-2);
  return op_case;
}

OpCase sgd_case(std::int64_t n, bool has_momentum, bool has_copy, Dtype copy_type, bool skip) {
  OpCase op_case{.attrs = Sgd{n, 0.9f, 0.01f, has_momentum, has_copy}, .output_type = copy_type};
  op_case.same = {{1, 0}};
  if (has_momentum) op_case.same.push_back({4, 1});
  op_case.reads[2] = control_values(0.5, skip, 3);
  op_case.reads[3] = schedule_values(1e-2);
  return op_case;
}

void check_update(const OpCase& op_case, std::size_t n_states, Dtype copy_type) {
  const auto actual = run_case(device(), op_case), expected = run_case(cpu(), op_case);
  // Fewer than 16 roundings of numbers of order 1, fused or not.
  for (std::size_t i = 0; i < n_states; ++i)
    check_close(actual[i], expected[i], 16 * 0x1p-24, 16 * 0x1p-24, "state");
  if (actual.size() > n_states)
    check_close(actual[n_states], expected[n_states], spacing(copy_type), 16 * 0x1p-24, "copy");
}

OpCase control_case(const StepControl& rules, double norm_squared, const Values& before) {
  return {.attrs = rules, .same = {{1, 0}}, .reads = {{0, {norm_squared}}, {1, before}}};
}

}  // namespace

TEST_CASE("adamw: cuda equals cpu, with and without a 16-bit copy") {
  for (std::int64_t n : {1, 1000, 2048 * 256 + 7}) {
    CAPTURE(n);
    check_update(adamw_case(n, false, Dtype::fp32, false), 3, Dtype::fp32);
    for (Dtype copy : {Dtype::bf16, Dtype::fp16})
      check_update(adamw_case(n, true, copy, false), 3, copy);
  }
}

TEST_CASE("sgd: cuda equals cpu, with and without momentum and a 16-bit copy") {
  for (bool has_momentum : {false, true}) {
    CAPTURE(has_momentum);
    const std::size_t n_states = has_momentum ? 2 : 1;
    check_update(sgd_case(1000, has_momentum, false, Dtype::fp32, false), n_states, Dtype::fp32);
    for (Dtype copy : {Dtype::bf16, Dtype::fp16})
      check_update(sgd_case(1000, has_momentum, true, copy, false), n_states, copy);
  }
}

TEST_CASE("adamw, sgd: a skipped step changes no state") {
  const OpCase adamw = adamw_case(500, false, Dtype::fp32, true);
  const auto states = run_case(device(), adamw);
  check_equal(states[0], rounded(normal_values(500, 1, 1001), Dtype::fp32), "w");
  check_equal(states[1], rounded(normal_values(500, 1, 1002), Dtype::fp32), "m");
  check_equal(states[2], rounded(adamw.reads.at(3), Dtype::fp32), "v");
  check_equal(run_case(device(), sgd_case(500, true, false, Dtype::fp32, true))[0],
              rounded(normal_values(500, 1, 1001), Dtype::fp32), "w");
}

TEST_CASE("gradient_norm: the sum of squares of any number of tensors, the same bits every time") {
  for (int n_tensors : {1, 3, 64, 65, 150})
    for (std::int64_t numel : {1, 100, 16384, 40000}) {
      CAPTURE(n_tensors);
      CAPTURE(numel);
      const OpCase op_case{
          .attrs = GradientNorm{numel * n_tensors}, .open_numel = numel, .n_reads = n_tensors};
      const auto runs = run_repeatedly(device(), op_case, 2);
      // fp64 sums of at most 6 million positive terms.
      check_close(runs[0][0], run_case(cpu(), op_case)[0], 6e6 * 0x1p-53, 0, "norm_squared");
      check_equal(runs[1][0], runs[0][0], "norm_squared");
    }
}

TEST_CASE("step_control: cuda equals cpu for good, clipped, overflowed and growing steps") {
  Values before(control::size, 0.0);
  before[control::loss_scale] = 1024;
  before[control::good_steps] = 9;
  before[control::n_skipped] = 2;
  before[control::optimizer_steps] = 40;
  for (bool dynamic : {false, true})
    for (double norm_squared : {0.0, 1e2, 1e12, double(INFINITY), double(NAN)})
      for (float clip_norm : {0.0f, 1.0f})
        for (double loss_scale : {1.0, 1.5, 1024.0, 16777216.0}) {
          CAPTURE(dynamic);
          CAPTURE(norm_squared);
          CAPTURE(clip_norm);
          CAPTURE(loss_scale);
          before[control::loss_scale] = loss_scale;
          const OpCase op_case = control_case({clip_norm, dynamic, 10}, norm_squared, before);
          check_close(run_case(device(), op_case)[0], run_case(cpu(), op_case)[0], 2 * 0x1p-24, 0,
                      "control");
        }
}
