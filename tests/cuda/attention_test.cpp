#include <doctest/doctest.h>

#include <cmath>

#include "tests/cuda/op_case.h"

using namespace aforo;
using namespace aforo::cuda_test;

namespace {

// Outputs are averages of values of order 1, gradients sums of up to seq_len terms of order 1.
// Scores of order 5 are rounded in two orders of summation, which changes an exponential by 5 * 16
// * 2^-24; the CPU kernel may multiply 16-bit inputs as 16-bit probabilities, so those agree to a
// few spacings of the type only.
double absolute_tolerance(Dtype type) { return type == Dtype::fp32 ? 1e-5 : 4 * spacing(type); }

struct Extent {
  std::int64_t batch, seq_len, n_heads, n_kv_heads, head_dim, window;
  bool alibi;
};
constexpr Extent shapes[] = {
    {1, 1, 1, 1, 8, 0, false},  {2, 16, 4, 2, 8, 5, false},   {1, 130, 2, 1, 64, 0, false},
    {2, 40, 3, 3, 80, 0, true}, {1, 70, 6, 2, 128, 33, true}, {1, 33, 2, 2, 256, 0, false},
};

OpCase forward_case(const Extent& s, Dtype type) {
  const float scale = 1 / std::sqrt(static_cast<float>(s.head_dim));
  return {.attrs = Attention{s.batch, s.seq_len, s.n_heads, s.n_kv_heads, s.head_dim, s.window,
                             scale, s.alibi},
          .type = type};
}

/// Gradient at what the CPU's forward pass saved.
OpCase backward_case(const Extent& s, Dtype type) {
  const OpCase forward = forward_case(s, type);
  const auto& op = std::get<Attention>(forward.attrs);
  const auto saved = run_case(cpu(), forward);
  const Values qkv = normal_values(
      s.batch * s.seq_len * (s.n_heads + 2 * s.n_kv_heads) * s.head_dim, 1, forward.seed * 1000);
  return {.attrs = AttentionBackward{op.batch, op.seq_len, op.n_heads, op.n_kv_heads, op.head_dim,
                                     op.window, op.scale, op.alibi},
          .type = type,
          .reads = {{1, qkv}, {2, saved[0]}, {3, saved[1]}}};
}

}  // namespace

TEST_CASE("attention: cuda equals cpu for grouped heads, windows, alibi and head sizes up to 256") {
  for (Dtype type : activation_types())
    for (const Extent& shape : shapes) {
      CAPTURE(name_of(type));
      CAPTURE(shape.seq_len);
      const OpCase op_case = forward_case(shape, type);
      const auto actual = run_case(device(), op_case), expected = run_case(cpu(), op_case);
      check_close(actual[0], expected[0], spacing(type), absolute_tolerance(type), "out");
      check_close(actual[1], expected[1], 1e-5, 1e-5, "lse");
    }
}

TEST_CASE(
    "attention_backward: cuda equals cpu for grouped heads, windows, alibi and head sizes up to "
    "256") {
  for (Dtype type : activation_types())
    for (const Extent& shape : shapes) {
      CAPTURE(name_of(type));
      CAPTURE(shape.seq_len);
      const OpCase op_case = backward_case(shape, type);
      const Values actual = run_case(device(), op_case)[0], expected = run_case(cpu(), op_case)[0];
      check_close(actual, expected, spacing(type), 4 * absolute_tolerance(type), "dqkv");
    }
}

TEST_CASE(
    "rope: cuda equals cpu for whole and part heads, forwards and backwards, also far into a "
    "sequence") {
  for (Dtype type : activation_types())
    for (std::int64_t rotary_dim : {2, 20, 64})
      for (bool inverse : {false, true})
        for (std::int64_t seq_len : {5, 700}) {
          CAPTURE(name_of(type));
          CAPTURE(rotary_dim);
          CAPTURE(inverse);
          const OpCase op_case{.attrs = Rope{700, seq_len, 3, 2, 64, rotary_dim, 10000.0, inverse},
                               .type = type};
          // Two products of order 1 and, if the CPU's angle is computed in fp32, 700 * 2^-24 of an
          // angle.
          check_close(run_case(device(), op_case)[0], run_case(cpu(), op_case)[0], spacing(type),
                      2e-4, "y");
        }
}

TEST_CASE("rope: the inverse undoes it, and overwriting x gives the same bits as not") {
  OpCase forward{.attrs = Rope{40, 40, 2, 1, 32, 20, 10000.0, false}};
  const Values x = rounded(normal_values(40 * 4 * 32, 1, 1000), Dtype::fp32);
  const Values y = run_case(device(), forward)[0];
  const OpCase back{.attrs = Rope{40, 40, 2, 1, 32, 20, 10000.0, true}, .reads = {{0, y}}};
  check_close(run_case(device(), back)[0], x, 0, 16 * 0x1p-24, "x");
  forward.in_place = 0;
  check_equal(run_case(device(), forward)[0], y, "y");
}

TEST_CASE("qk_norm: cuda equals cpu, per head and over all heads, and so does its gradient") {
  for (Dtype type : activation_types())
    for (bool per_head : {false, true})
      for (bool accumulate : {false, true}) {
        CAPTURE(name_of(type));
        CAPTURE(per_head);
        constexpr std::int64_t rows = 70, n_heads = 6, n_kv_heads = 2, head_dim = 40;
        const OpCase forward{.attrs = QkNorm{rows, n_heads, n_kv_heads, head_dim, 1e-5f, per_head},
                             .type = type};
        const auto y = run_case(device(), forward), expected_y = run_case(cpu(), forward);
        check_close(y[0], expected_y[0], spacing(type), 64 * 0x1p-24, "y");
        check_close(y[1], expected_y[1], 64 * 0x1p-24, 0, "rstd");
        OpCase backward{
            .attrs = QkNormBackward{rows, n_heads, n_kv_heads, head_dim, per_head, accumulate},
            .type = type};
        backward.reads[2] = expected_y[1];
        if (accumulate) backward.same = {{5, 1}, {6, 2}};
        const auto dx = run_case(device(), backward), expected_dx = run_case(cpu(), backward);
        check_close(dx[0], expected_dx[0], spacing(type), 256 * 0x1p-24, "dx");
        // Sums over up to 420 rows and heads of order 1.
        for (int i : {1, 2}) check_close(dx[i], expected_dx[i], 0, 420 * 8 * 0x1p-24, "dweight");
      }
}

TEST_CASE("qk_norm: overwriting x, or dy in the gradient, gives the same bits as not") {
  for (const OpAttrs& attrs : {OpAttrs(QkNorm{9, 3, 1, 24, 1e-5f, true}),
                               OpAttrs(QkNormBackward{40, 3, 1, 24, false, false})}) {
    OpCase op_case{.attrs = attrs, .type = Dtype::bf16};
    const auto apart = run_case(device(), op_case);
    op_case.in_place = 0;
    const auto in_place = run_case(device(), op_case);
    for (std::size_t i = 0; i < apart.size(); ++i) check_equal(in_place[i], apart[i], "write");
  }
}
