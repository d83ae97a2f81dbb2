#include "tests/ops/claims.h"

namespace aforo::test {
namespace {

/// Two sequences of 5 tokens out of 7 (some repeat, some never occur), positions for 9.
struct Shape {
  std::int64_t d_model;
  bool has_positions = true;
  std::int64_t rows = 10, seq_len = 5, vocab = 7, positions = 9;
  float scale = 1.25f;
};

Doubles tokens_of(const Shape& s) {
  Doubles tokens(s.rows);
  for (std::int64_t r = 0; r < s.rows; ++r) tokens[r] = static_cast<double>((r * r + 2) % s.vocab);
  return tokens;
}

Case forward(const Shape& s) {
  Case test{Embedding{s.rows, s.seq_len, s.d_model, s.vocab, s.has_positions, s.scale},
            {typed(Dtype::int32, tokens_of(s)), activation(normal(s.vocab * s.d_model, 1))},
            {activation(zeros(s.rows * s.d_model))}};
  if (s.has_positions) test.reads.push_back(activation(normal(s.positions * s.d_model, 2)));
  return test;
}

Case backward(const Shape& s, bool accumulate_tokens = false, bool accumulate_positions = false) {
  Case test{EmbeddingBackward{s.rows, s.seq_len, s.d_model, s.vocab, s.has_positions, s.scale,
                              accumulate_tokens, accumulate_positions},
            {typed(Dtype::int32, tokens_of(s)), activation(normal(s.rows * s.d_model, 3))},
            {fp32(normal(s.vocab * s.d_model, 4))}};
  if (s.has_positions) test.writes.push_back(fp32(normal(s.positions * s.d_model, 5)));
  for (int w = 0; w < static_cast<int>(test.writes.size()); ++w)
    if (w == 0 ? accumulate_tokens : accumulate_positions) {
      test.shared.push_back({static_cast<int>(test.reads.size()), w});
      test.reads.push_back(test.writes[w]);
    }
  return test;
}

template <typename Check>
void for_all(Check check) {
  for (std::int64_t d_model : odd_cols)
    for (bool has_positions : {false, true}) {
      CAPTURE(d_model);
      CAPTURE(has_positions);
      check(Shape{d_model, has_positions});
    }
}

TEST_CASE("embedding: adds the scaled token row and the position row") {
  for_all([](const Shape& s) {
    const Case test = forward(s);
    Doubles expected(s.rows * s.d_model);
    for (std::int64_t r = 0; r < s.rows; ++r)
      for (std::int64_t c = 0; c < s.d_model; ++c) {
        const auto token = static_cast<std::int64_t>(test.reads[0].values[r]);
        expected[r * s.d_model + c] =
            s.scale * test.reads[1].values[token * s.d_model + c] +
            (s.has_positions ? test.reads[2].values[r % s.seq_len * s.d_model + c] : 0);
      }
    for (const Isa& isa : available_isas()) {
      CAPTURE(isa.name);
      // Two roundings of numbers below 8.
      check_close(run(isa, test).writes[0], expected, 2 * 8 * unit_roundoff);
    }
  });
}

TEST_CASE("embedding_backward: equals its definition in fp64, unused rows are zero") {
  for_all([](const Shape& s) {
    const Case test = backward(s);
    const Doubles& dx = test.reads[1].values;
    Doubles dwte = zeros(s.vocab * s.d_model), dwpe = zeros(s.positions * s.d_model);
    for (std::int64_t r = 0; r < s.rows; ++r)
      for (std::int64_t c = 0; c < s.d_model; ++c) {
        const auto token = static_cast<std::int64_t>(test.reads[0].values[r]);
        dwte[token * s.d_model + c] += s.scale * dx[r * s.d_model + c];
        dwpe[r % s.seq_len * s.d_model + c] += dx[r * s.d_model + c];
      }
    for (const Isa& isa : available_isas()) {
      CAPTURE(isa.name);
      const Outcome outcome = run(isa, test);
      // At most 10 rows of numbers below 5 share a token: 11 roundings of less than 50.
      check_close(outcome.writes[0], dwte, 11 * 50 * unit_roundoff);
      if (s.has_positions) check_close(outcome.writes[1], dwpe, 2 * 10 * unit_roundoff);
    }
  });
}

TEST_CASE("embedding_backward: equals finite differences of the lookup") {
  const Shape s{3};
  const Case forward_case = forward(s), test = backward(s);
  const Doubles &tokens = test.reads[0].values, &dx = test.reads[1].values;
  const auto loss = [&](const Doubles& wte, const Doubles& wpe) {
    double sum = 0;
    for (std::int64_t i = 0; i < s.rows * s.d_model; ++i) {
      const std::int64_t r = i / s.d_model, c = i % s.d_model;
      sum += dx[i] * (s.scale * wte[static_cast<std::int64_t>(tokens[r]) * s.d_model + c] +
                      wpe[r % s.seq_len * s.d_model + c]);
    }
    return sum;
  };
  const Doubles &wte = forward_case.reads[1].values, &wpe = forward_case.reads[2].values;
  const Doubles dwte = numeric_gradient([&](const Doubles& v) { return loss(v, wpe); }, wte);
  const Doubles dwpe = numeric_gradient([&](const Doubles& v) { return loss(wte, v); }, wpe);
  for (const Isa& isa : available_isas()) {
    const Outcome outcome = run(isa, test);
    check_close(outcome.writes[0], dwte, 11 * 50 * unit_roundoff);
    check_close(outcome.writes[1], dwpe, 2 * 10 * unit_roundoff);
  }
}

TEST_CASE("embedding_backward: each table accumulates on its own") {
  for (bool tokens : {false, true})
    for (bool positions : {false, true}) {
      const Shape s{33};
      const Case fresh = backward(s), added = backward(s, tokens, positions);
      for (const Isa& isa : available_isas()) {
        const Outcome a = run(isa, fresh), b = run(isa, added);
        for (int w : {0, 1}) {
          Doubles expected = a.writes[w];
          if (w == 0 ? tokens : positions)
            for (std::size_t i = 0; i < expected.size(); ++i)
              expected[i] += fresh.writes[w].values[i];
          // The numbers are added in another order: 11 roundings of less than 55 each way.
          check_close(b.writes[w], expected, 2 * 11 * 55 * unit_roundoff);
        }
      }
    }
}

TEST_CASE("embedding: bf16 and fp16 are within 1 ulp of fp32") {
  for_all([](const Shape& s) { check_16_bit(forward(s)); });
}

TEST_CASE("embedding_backward: bf16 and fp16 equal fp32 on the same numbers") {
  for_all([](const Shape& s) { check_16_bit(backward(s)); });
}

TEST_CASE("embedding: the number of threads does not change a bit") {
  check_threads(
      forward({.d_model = 129, .rows = 900, .seq_len = 300, .vocab = 50, .positions = 310}));
}

TEST_CASE("embedding_backward: the number of threads does not change a bit") {
  const Shape s{.d_model = 129, .rows = 900, .seq_len = 300, .vocab = 50, .positions = 310};
  check_threads(backward(s));
  check_threads(backward(s, true, true));
}

TEST_CASE("embedding: a token outside the vocabulary gives NaN and adds no gradient") {
  for (double token : {-1.0, 7.0, 2147483647.0}) {
    const Shape s{33};
    Case test = forward(s), back = backward(s);
    Case without = back;
    test.reads[0].values[3] = back.reads[0].values[3] = token;
    for (std::int64_t c = 0; c < s.d_model; ++c) without.reads[1].values[3 * s.d_model + c] = 0;
    for (const Isa& isa : available_isas()) {
      const Doubles x = run(isa, test).writes[0];
      for (std::int64_t i = 0; i < s.rows * s.d_model; ++i)
        CHECK(std::isnan(x[i]) == (i / s.d_model == 3));
      CHECK(run(isa, back).writes[0] == run(isa, without).writes[0]);
    }
  }
}

}  // namespace
}  // namespace aforo::test
