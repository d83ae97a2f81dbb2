#include <doctest/doctest.h>

#include <cmath>

#include "tests/cuda/op_case.h"

using namespace aforo;
using namespace aforo::cuda_test;

namespace {

/// Sizes around a warp, a block and the number of threads of the largest flat launch (2048 blocks
/// of 256).
constexpr std::int64_t sizes[] = {1, 31, 33, 256, 1000, 2048 * 256 + 7};

/// Numbers at which conversions go wrong: zeros, subnormals of both 16-bit types, ties, the
/// overflow of fp16 and bf16, NaN.
Values special_values() {
  return {0.0,      -0.0,       1e-40,      -1e-40,    0x1p-24,   0x1.8p-24, 0x1p-25,
          0x1p-133, 1.00390625, 1.01171875, 65504.0,   65519.996, 65520.0,   -65520.0,
          3.39e38,  3.4e38,     INFINITY,   -INFINITY, NAN,       -2.5};
}

}  // namespace

TEST_CASE("add: cuda equals cpu bit for bit in every type and size") {
  for (Dtype type : activation_types())
    for (std::int64_t n : sizes) {
      CAPTURE(name_of(type));
      CAPTURE(n);
      const OpCase op_case{.attrs = Add{n}, .type = type};
      check_equal(run_case(device(), op_case)[0], run_case(cpu(), op_case)[0], "c");
    }
}

TEST_CASE("add: overwriting either operand gives the same bits as not") {
  for (int in_place : {0, 1}) {
    OpCase op_case{.attrs = Add{5000}, .type = Dtype::bf16};
    const Values apart = run_case(device(), op_case)[0];
    op_case.in_place = in_place;
    check_equal(run_case(device(), op_case)[0], apart, "c");
  }
}

TEST_CASE(
    "cast: cuda equals cpu bit for bit between any two types, for ties, overflow, subnormal "
    "numbers and NaN too") {
  for (Dtype from : activation_types())
    for (Dtype to : activation_types()) {
      CAPTURE(name_of(from));
      CAPTURE(name_of(to));
      Values values = normal_values(3000);
      for (double special : special_values()) values.push_back(special);
      const auto n = static_cast<std::int64_t>(values.size());
      const OpCase op_case{
          .attrs = Cast{n}, .output_type = to, .input_type = from, .reads = {{0, values}}};
      check_equal(run_case(device(), op_case)[0], run_case(cpu(), op_case)[0], "target");
    }
}

TEST_CASE("fill: every element is the value, rounded to the type") {
  for (Dtype type : {Dtype::fp64, Dtype::fp32, Dtype::bf16, Dtype::fp16})
    for (float value : {0.0f, -1.5f, 0.3f})
      for (std::int64_t n : sizes) {
        CAPTURE(name_of(type));
        CAPTURE(value);
        const OpCase op_case{.attrs = Fill{n, value}, .output_type = type};
        const Values expected = rounded(Values(static_cast<std::size_t>(n), value), type);
        check_equal(run_case(device(), op_case)[0], expected, "out");
      }
}

TEST_CASE("column_sum: cuda equals cpu bit for bit, since both add rows in ascending order") {
  for (Dtype type : activation_types())
    for (std::int64_t rows : {1, 7, 300})
      for (std::int64_t cols : {1, 33, 700}) {
        CAPTURE(name_of(type));
        CAPTURE(rows);
        CAPTURE(cols);
        const OpCase fresh{.attrs = ColumnSum{rows, cols, false}, .type = type};
        check_equal(run_case(device(), fresh)[0], run_case(cpu(), fresh)[0], "s");
        const OpCase added{.attrs = ColumnSum{rows, cols, true}, .type = type, .same = {{1, 0}}};
        check_equal(run_case(device(), added)[0], run_case(cpu(), added)[0], "s accumulated");
      }
}
