#include <doctest/doctest.h>

#include <cmath>

#include "tests/cuda/op_case.h"

using namespace aforo;
using namespace aforo::cuda_test;

namespace {

/// Few different tokens, so that many rows meet in one row of the table.
Values tokens_of(std::int64_t rows, std::int64_t vocab) {
  Values tokens;
  for (std::int64_t r = 0; r < rows; ++r)
    tokens.push_back(static_cast<double>((r * r + 3 * r) % 11 % vocab));
  return tokens;
}

struct Sizes {
  std::int64_t rows, seq_len, d_model, vocab;
};
constexpr Sizes sizes[] = {{1, 1, 1, 1}, {32, 8, 33, 20}, {600, 300, 40, 7}};

}  // namespace

TEST_CASE("embedding: cuda equals cpu within one spacing of the type, with and without positions") {
  for (Dtype type : activation_types())
    for (const Sizes& s : sizes)
      for (bool has_positions : {false, true}) {
        CAPTURE(name_of(type));
        CAPTURE(s.rows);
        const OpCase op_case{
            .attrs = Embedding{s.rows, s.seq_len, s.d_model, s.vocab, has_positions, 1.5f},
            .type = type,
            .reads = {{0, tokens_of(s.rows, s.vocab)}},
            .open_numel = (s.seq_len + 3) * s.d_model};
        // A product and a sum, fused on one side and not on the other: one more rounding of fp32.
        check_close(run_case(device(), op_case)[0], run_case(cpu(), op_case)[0], spacing(type),
                    8 * 0x1p-24, "x");
      }
}

TEST_CASE("embedding: a token outside the vocabulary makes its row NaN and adds no gradient") {
  OpCase forward{.attrs = Embedding{3, 3, 40, 5, false, 1.0f}, .reads = {{0, {1, 5, -1}}}};
  const Values x = run_case(device(), forward)[0];
  for (int i = 0; i < 120; ++i) CHECK(std::isnan(x[i]) == (i >= 40));
  OpCase backward{.attrs = EmbeddingBackward{3, 3, 40, 5, false, 1.0f, false, false},
                  .reads = {{0, {1, 5, -1}}}};
  check_equal(run_case(device(), backward)[0], run_case(cpu(), backward)[0], "dwte");
}

TEST_CASE("embedding_backward: cuda equals cpu, with and without positions and accumulation") {
  for (Dtype type : activation_types())
    for (const Sizes& s : sizes)
      for (int flags = 0; flags < 8; ++flags) {
        const bool has_positions = flags & 1, add_tokens = flags & 2,
                   add_positions = (flags & 4) && has_positions;
        CAPTURE(name_of(type));
        CAPTURE(s.rows);
        CAPTURE(flags);
        OpCase op_case{.attrs = EmbeddingBackward{s.rows, s.seq_len, s.d_model, s.vocab,
                                                  has_positions, 1.5f, add_tokens, add_positions},
                       .type = type,
                       .reads = {{0, tokens_of(s.rows, s.vocab)}},
                       .open_numel = (s.seq_len + 3) * s.d_model};
        int read = 2;
        if (add_tokens) op_case.same.push_back({read++, 0});
        if (add_positions) op_case.same.push_back({read, 1});
        const auto actual = run_case(device(), op_case), expected = run_case(cpu(), op_case);
        // Both add rows in ascending order; a product may be fused with its sum. Up to 600 rows of
        // order 1.5 meet.
        check_close(actual[0], expected[0], 0, 600 * 1.5 * 4 * 0x1p-24, "dwte");
        if (has_positions) check_equal(actual[1], expected[1], "dwpe");
      }
}
