#include "planner/search/fit.h"

#include <doctest/doctest.h>

#include "planner/spec/hardware_file.h"
#include "planner/spec/model_file.h"
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

TEST_CASE("fit: adapters need less than full training, quantized weights less than 16-bit ones") {
  const ModelSpec model = find_model("llama-2-7b");
  const AcceleratorSpec card = find_accelerator("a100-80");
  const fast::EngineSpec torch = fast::find_engine(fast::all_engines(), "torch");
  const auto arena = [&](Method method) {
    FitTable table(model, method, torch, card);
    const FitMethod row = table.methods(Precision::bf16).back();
    CHECK(row.recompute == Recompute::full);
    return table.cell(row, 2048, 1).arena;
  };
  CHECK(arena(Method::lora) < arena(Method::full));
  CHECK(arena(Method::qlora) < arena(Method::lora));
  // 6.74 billion frozen parameters of two bytes, and what is trained beside them.
  CHECK(as_gib(arena(Method::lora)) > 12.55);
  CHECK(as_gib(arena(Method::lora)) < 18);
}

TEST_CASE("fit: mixtures of experts have a table too, with all experts in memory") {
  FitTable table(find_model("mixtral-8x7b"), Method::full,
                 fast::find_engine(fast::all_engines(), "torch"), find_accelerator("h100"));
  CHECK_FALSE(table.exact());
  // 46.7 billion parameters of 12 bytes (fp32 parameters and moments) at least.
  CHECK(as_gib(table.cell(table.methods(Precision::bf16).back(), 1024, 1).arena) >
        46.7e9 * 12 / gibi);
}
