#include "planner/search/fit.h"

#include <doctest/doctest.h>

#include "tests/support/tiny.h"

using namespace aforo;

TEST_CASE("fit: memory grows with sequence length and micro-batch, and falls with recomputation") {
  FitTable table(tiny::llama(4), cuda_target());
  const std::vector<FitMethod> methods = usual_methods(Precision::bf16);
  for (const FitMethod& method : methods) {
    CHECK(table.cell(method, 8, 1).arena < table.cell(method, 16, 1).arena);
    CHECK(table.cell(method, 16, 1).arena < table.cell(method, 16, 64).arena);
  }
  CHECK(table.cell(methods[2], 16, 64).arena < table.cell(methods[1], 16, 64).arena);
  CHECK(table.cell(methods[3], 16, 64).arena < table.cell(methods[2], 16, 64).arena);
}

TEST_CASE("fit: the largest micro-batch fits and the next does not") {
  FitTable table(tiny::gpt2(3), cuda_target());
  const FitMethod method = usual_methods(Precision::bf16)[1];
  const Bytes overhead(mebi);
  const Bytes capacity = table.cell(method, 16, 8).arena + overhead;
  CHECK(table.largest_micro_batch(method, 16, overhead, capacity) == 8);
  CHECK(table.largest_micro_batch(method, 16, overhead, capacity - Bytes(1)) == 4);
  CHECK(table.largest_micro_batch(method, 16, overhead, Bytes(mebi)) == 0);
}
