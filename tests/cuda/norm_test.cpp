#include <doctest/doctest.h>

#include <cmath>

#include "tests/cuda/op_case.h"

using namespace aforo;
using namespace aforo::cuda_test;

namespace {

struct Extent {
  std::int64_t rows, cols;
};
constexpr Extent shapes[] = {{1, 1}, {3, 33}, {130, 64}, {2, 4096}};
constexpr float epsilon = 1e-5f;

// Results are of order 1 to 10 here. A sum of n terms of order 1 in two orders differs by about
// sqrt(n) 2^-24 relative to its size: below 64 * 2^-24 for n = 4096, and it enters results once or
// twice.
constexpr double absolute = 1024 * 0x1p-24;

void check_writes(const OpCase& op_case, std::initializer_list<const char*> names) {
  const auto actual = run_case(device(), op_case), expected = run_case(cpu(), op_case);
  std::size_t i = 0;
  for (const char* name : names) {
    // The first write is an activation, rounded to the type; the others are fp32.
    check_close(actual[i], expected[i], i == 0 ? spacing(op_case.type) : 0x1p-16, absolute, name);
    ++i;
  }
}

/// As a forward pass leaves them: means near 0, rstd near 1.
Values means(std::int64_t rows) { return normal_values(rows, 0.1, 5); }
Values rstds(std::int64_t rows) {
  Values values = normal_values(rows, 0.1, 6);
  for (double& value : values) value = std::exp(value);
  return values;
}

}  // namespace

TEST_CASE(
    "rms_norm: cuda equals cpu within one spacing of the type on rows of 1, 33, 64 and 4096") {
  for (Dtype type : activation_types())
    for (const Extent& s : shapes)
      for (bool has_weight : {false, true}) {
        CAPTURE(name_of(type));
        CAPTURE(s.cols);
        check_writes({.attrs = RmsNorm{s.rows, s.cols, epsilon, has_weight}, .type = type},
                     {"y", "rstd"});
      }
}

TEST_CASE(
    "layer_norm: cuda equals cpu within one spacing of the type on rows of 1, 33, 64 and 4096") {
  for (Dtype type : activation_types())
    for (const Extent& s : shapes)
      for (bool has_weight : {false, true})
        for (bool has_bias : {false, true}) {
          CAPTURE(name_of(type));
          CAPTURE(s.cols);
          check_writes(
              {.attrs = LayerNorm{s.rows, s.cols, epsilon, has_weight, has_bias}, .type = type},
              {"y", "mean", "rstd"});
        }
}

TEST_CASE("layer_norm: a mean that is large beside the deviation costs no digits of the variance") {
  Values x = normal_values(1000);
  for (double& value : x) value += 1000;
  const OpCase op_case{.attrs = LayerNorm{1, 1000, epsilon, false, false}, .reads = {{0, x}}};
  // x itself is rounded to fp32 (2^-24 * 1000 = 6e-5 of a deviation); mean(x^2) - mean^2 would be
  // off by about 0.1.
  check_close(run_case(device(), op_case)[0], run_case(cpu(), op_case)[0], 0, 5e-4, "y");
}

TEST_CASE("rms_norm_backward: cuda equals cpu for every combination of weight and accumulation") {
  for (Dtype type : activation_types())
    for (const Extent& s : shapes)
      for (int flags = 0; flags < 8; ++flags) {
        const bool has_weight = flags & 1, accumulate_dx = flags & 2,
                   accumulate_weights = (flags & 4) && has_weight;
        CAPTURE(name_of(type));
        CAPTURE(s.cols);
        CAPTURE(flags);
        OpCase op_case{
            .attrs = RmsNormBackward{s.rows, s.cols, has_weight, accumulate_dx, accumulate_weights},
            .type = type};
        op_case.reads[2] = rstds(s.rows);
        int read = has_weight ? 4 : 3;
        if (accumulate_dx) op_case.same.push_back({read++, 0});
        if (accumulate_weights) op_case.same.push_back({read, 1});
        if (has_weight) {
          check_writes(op_case, {"dx", "dweight"});
        } else {
          check_writes(op_case, {"dx"});
        }
      }
}

TEST_CASE(
    "layer_norm_backward: cuda equals cpu for every combination of weight, bias and accumulation") {
  for (Dtype type : activation_types())
    for (const Extent& s : shapes)
      for (int flags = 0; flags < 16; ++flags) {
        const bool has_weight = flags & 1, has_bias = flags & 2, accumulate_dx = flags & 4;
        const bool accumulate_weights = (flags & 8) && (has_weight || has_bias);
        CAPTURE(name_of(type));
        CAPTURE(s.cols);
        CAPTURE(flags);
        OpCase op_case{.attrs = LayerNormBackward{s.rows, s.cols, has_weight, has_bias,
                                                  accumulate_dx, accumulate_weights},
                       .type = type};
        op_case.reads[2] = means(s.rows);
        op_case.reads[3] = rstds(s.rows);
        int read = has_weight ? 5 : 4, write = 1;
        if (accumulate_dx) op_case.same.push_back({read++, 0});
        if (accumulate_weights && has_weight) op_case.same.push_back({read++, write++});
        if (accumulate_weights && has_bias) op_case.same.push_back({read, write});
        if (has_weight && has_bias) {
          check_writes(op_case, {"dx", "dweight", "dbias"});
        } else if (has_weight || has_bias) {
          check_writes(op_case, {"dx", "dweight or dbias"});
        } else {
          check_writes(op_case, {"dx"});
        }
      }
}

TEST_CASE("norms: overwriting x, or dy in the gradient, gives the same bits as not") {
  const OpAttrs all[] = {RmsNorm{5, 300, epsilon, true}, LayerNorm{5, 300, epsilon, true, true},
                         RmsNormBackward{50, 300, true, false, false},
                         LayerNormBackward{50, 300, true, true, false, false}};
  for (const OpAttrs& attrs : all) {
    OpCase op_case{.attrs = attrs, .type = Dtype::bf16};
    const auto apart = run_case(device(), op_case);
    op_case.in_place = 0;
    const auto in_place = run_case(device(), op_case);
    for (std::size_t i = 0; i < apart.size(); ++i) check_equal(in_place[i], apart[i], "write");
  }
}
