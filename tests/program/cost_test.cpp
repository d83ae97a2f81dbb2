#include "planner/program/ops/cost.h"

#include <doctest/doctest.h>

#include <vector>

#include "planner/program/op.h"

using namespace aforo;

namespace {

template <typename Attrs>
Cost cost_with(const Attrs& attrs, std::vector<std::int64_t> reads,
               std::vector<std::int64_t> writes) {
  return cost(attrs, {reads.data(), writes.data(), static_cast<int>(reads.size()),
                      static_cast<int>(writes.size())});
}

}  // namespace

TEST_CASE("cost: a product counts 2 m n k, and every operand once") {
  const Cost c = cost_with(Gemm{10, 20, 30, false, true, false, false}, {1200, 2400}, {800});
  CHECK(c.flops == 12000);
  CHECK(c.bytes == 4400);
}

TEST_CASE("cost: causal attention counts the lower triangle, a window only its band") {
  CHECK(visible_pairs(4, 0) == 10);
  CHECK(visible_pairs(4, 1) == 4);
  CHECK(visible_pairs(4, 2) == 7);
  CHECK(visible_pairs(4, 9) == 10);
  const Attention attention{2, 4, 3, 3, 8, 0, 1.0f, false};
  CHECK(cost_with(attention, {0}, {0, 0}).flops == 4.0 * 8 * 2 * 3 * 10);
}

TEST_CASE("cost: the backward pass of attention takes five products to the forward's two") {
  const Attention forward{1, 128, 4, 4, 64, 0, 1.0f, false};
  const AttentionBackward backward{1, 128, 4, 4, 64, 0, 1.0f, false};
  CHECK(cost_with(backward, {0}, {0}).flops == 2.5 * cost_with(forward, {0}, {0, 0}).flops);
}

TEST_CASE("cost: an embedding reads the looked-up rows, not the table") {
  const Embedding embedding{8, 4, 16, 1000000, false, 1.0f};
  const Cost c = cost_with(embedding, {32, 64000000}, {512});
  CHECK(c.bytes == 32 + 2 * 512);
}
