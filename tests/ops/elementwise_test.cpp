#include "planner/base/error.h"
#include "tests/ops/claims.h"

namespace aforo::test {
namespace {

constexpr std::int64_t odd_sizes[] = {1, 3, 17, 33, 64, 65, 384, 1000};

Case add(std::int64_t n) {
  return {Add{n}, {activation(normal(n, 1)), activation(normal(n, 2))}, {activation(zeros(n))}};
}

Case column_sum(std::int64_t rows, std::int64_t cols, bool accumulate = false) {
  Case test{ColumnSum{rows, cols, accumulate},
            {activation(normal(rows * cols, 1))},
            {fp32(normal(cols, 2))}};
  if (accumulate) {
    test.reads.push_back(test.writes[0]);
    test.shared = {{1, 0}};
  }
  return test;
}

TEST_CASE("add: is the rounded sum") {
  for (std::int64_t n : odd_sizes)
    for (const Isa& isa : available_isas())
      for (Dtype dtype : {Dtype::fp32, Dtype::bf16, Dtype::fp16}) {
        CAPTURE(n);
        CAPTURE(isa.name);
        CAPTURE(name_of(dtype));
        const Case test = add(n);
        Doubles expected(n);
        // Two sums: fp32, then the 16-bit type. Both operands lie within 2^24 of each other, so the
        // first is exact for 16 bits and each result is rounded once.
        for (std::int64_t i = 0; i < n; ++i)
          expected[i] = rounded(
              rounded(test.reads[0].values[i], dtype) + rounded(test.reads[1].values[i], dtype),
              dtype);
        CHECK(run(isa, test, {.activations = dtype}).writes[0] == expected);
      }
}

TEST_CASE("add: the number of threads does not change a bit") { check_threads(add(200003)); }

TEST_CASE("add: in place equals out of place for either operand") { check_in_place(add(1001)); }

TEST_CASE("cast: rounds to nearest even between all activation types") {
  Doubles x = normal(1003, 1);
  // Halfway cases, both ends of fp16, subnormal numbers, and what is not a number.
  const Doubles special{
      0.0,     -0.0,        1 + 0x1p-8, 1 + 3 * 0x1p-8, 1 + 0x1p-11, 1 + 3 * 0x1p-11,
      65504.0, 65519.0,     65520.0,    -65520.0,       0x1p-14,     0x1p-24,
      0x1p-25, 3 * 0x1p-25, 0x1.8p-130, 3.4e38,         INFINITY,    -INFINITY};
  x.insert(x.end(), special.begin(), special.end());
  const auto n = static_cast<std::int64_t>(x.size());
  for (const Isa& isa : available_isas())
    for (Dtype from : {Dtype::fp32, Dtype::bf16, Dtype::fp16})
      for (Dtype to : {Dtype::fp32, Dtype::bf16, Dtype::fp16}) {
        CAPTURE(isa.name);
        CAPTURE(name_of(from));
        CAPTURE(name_of(to));
        Doubles expected(n);
        for (std::int64_t i = 0; i < n; ++i) expected[i] = rounded(rounded(x[i], from), to);
        CHECK(run(isa, {Cast{n}, {typed(from, x)}, {typed(to, zeros(n))}}).writes[0] == expected);
        const Case nan{Cast{1}, {typed(from, {NAN})}, {typed(to, {0})}};
        CHECK(std::isnan(run(isa, nan).writes[0][0]));
      }
}

TEST_CASE("cast: an integer operand is refused by name") {
  const Case test{Cast{1}, {typed(Dtype::int32, {1})}, {fp32({0})}};
  for (const Isa& isa : available_isas()) CHECK_THROWS_AS(run(isa, test), InternalError);
}

TEST_CASE("cast: the number of threads does not change a bit") {
  const Case test{Cast{200003}, {activation(normal(200003, 1))}, {fp32(zeros(200003))}};
  check_threads(test);
}

TEST_CASE("fill: writes the value in every type that holds it, and zero in all") {
  for (std::int64_t n : odd_sizes)
    for (const Isa& isa : available_isas())
      for (Dtype dtype : {Dtype::fp64, Dtype::fp32, Dtype::bf16, Dtype::fp16, Dtype::int32})
        for (float value : {0.0f, 1.5f}) {
          if (dtype == Dtype::int32 && value != 0) continue;
          CAPTURE(n);
          CAPTURE(isa.name);
          CAPTURE(name_of(dtype));
          for (int n_threads : {1, 3}) {
            const Case test{Fill{n, value}, {}, {typed(dtype, Doubles(n, 7))}};
            CHECK(run(isa, test, {.n_threads = n_threads}).writes[0] == Doubles(n, value));
          }
        }
}

TEST_CASE("column_sum: adds rows in ascending order in fp32") {
  for (std::int64_t rows : {0, 1, 4, 7, 70})
    for (std::int64_t cols : odd_cols)
      for (bool accumulate : {false, true}) {
        const Case test = column_sum(rows, cols, accumulate);
        Doubles expected = accumulate ? test.writes[0].values : zeros(cols);
        for (std::int64_t r = 0; r < rows; ++r)
          for (std::int64_t c = 0; c < cols; ++c)
            expected[c] = rounded(expected[c] + test.reads[0].values[r * cols + c], Dtype::fp32);
        for (const Isa& isa : available_isas()) {
          CAPTURE(rows);
          CAPTURE(cols);
          CAPTURE(isa.name);
          CHECK(run(isa, test).writes[0] == expected);
        }
      }
}

TEST_CASE("column_sum: bf16 and fp16 equal fp32 on the same numbers") {
  for (std::int64_t cols : odd_cols) check_16_bit(column_sum(19, cols));
}

TEST_CASE("column_sum: the number of threads does not change a bit") {
  check_threads(column_sum(1500, 199));
  check_threads(column_sum(1500, 199, true));
}

TEST_CASE("all_reduce: one rank keeps its numbers, more are refused") {
  const Doubles x = normal(33, 1);
  for (const Isa& isa : available_isas()) {
    CHECK(run(isa, {AllReduce{33, 1}, {fp32(x)}, {fp32(zeros(33))}, {{0, 0}}}).writes[0] == x);
    CHECK_THROWS_WITH_AS(
        run(isa, {AllReduce{33, 2}, {fp32(x)}, {fp32(zeros(33))}, {{0, 0}}}),
        "all_reduce: several ranks need a communicator",
        InternalError);
  }
}

}  // namespace
}  // namespace aforo::test
