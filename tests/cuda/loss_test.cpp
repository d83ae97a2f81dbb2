#include <doctest/doctest.h>

#include <cmath>

#include "planner/program/control.h"
#include "tests/cuda/op_case.h"

using namespace aforo;
using namespace aforo::cuda_test;

namespace {

constexpr float gradient_scale = 0.25f;

Values control_with(double loss_scale) {
  Values values(control::size, 0.0);
  values[control::loss_scale] = loss_scale;
  return values;
}

Values targets_below(std::int64_t rows, std::int64_t vocab) {
  Values targets;
  for (std::int64_t r = 0; r < rows; ++r)
    targets.push_back(static_cast<double>((7 * r + 3) % vocab));
  return targets;
}

OpCase loss_case(std::int64_t rows, std::int64_t vocab, bool has_gradient, Dtype type,
                 double logit_scale) {
  OpCase op_case{.attrs = CrossEntropy{rows, vocab, has_gradient, gradient_scale}, .type = type};
  op_case.reads[0] = normal_values(rows * vocab, logit_scale);
  op_case.reads[1] = targets_below(rows, vocab);
  if (has_gradient) op_case.reads[2] = control_with(8);
  return op_case;
}

}  // namespace

TEST_CASE("cross_entropy: cuda equals cpu, loss and gradient, from small to very spread logits") {
  for (Dtype type : activation_types())
    for (std::int64_t vocab : {1, 61, 257, 5000})
      for (double logit_scale : {0.01, 1.0, 30.0})
        for (bool has_gradient : {false, true}) {
          CAPTURE(name_of(type));
          CAPTURE(vocab);
          CAPTURE(logit_scale);
          const OpCase op_case = loss_case(5, vocab, has_gradient, type, logit_scale);
          const auto actual = run_case(device(), op_case), expected = run_case(cpu(), op_case);
          // A loss is log(sum) minus a logit, of up to 200: a few roundings relative to the larger
          // of them.
          check_close(actual[0], expected[0], 1e-6, 200 * 8 * 0x1p-24, "loss");
          // exp is within 2 ulp of an argument of up to 200, which is itself rounded; then one
          // rounding to the type. The absolute part lets subnormal numbers of fp16 (2^-24) differ
          // by one.
          if (has_gradient)
            check_close(actual[1], expected[1], spacing(type) + 1e-5, 0x1p-23, "dlogits");
        }
}

TEST_CASE("cross_entropy: the gradient of a row sums to zero") {
  const OpCase op_case = loss_case(3, 5000, true, Dtype::fp32, 3.0);
  const Values dlogits = run_case(device(), op_case)[1];
  for (int row = 0; row < 3; ++row) {
    double sum = 0;
    for (int v = 0; v < 5000; ++v) sum += dlogits[row * 5000 + v];
    // The factor is 2 (0.25 * 8); probabilities sum to 1 up to about sqrt(5000) roundings.
    CHECK(std::abs(sum) < 2 * 256 * 0x1p-24);
  }
}

TEST_CASE("cross_entropy: writing the gradient over the logits gives the same bits as not") {
  for (Dtype type : activation_types()) {
    OpCase op_case = loss_case(9, 700, true, type, 2.0);
    const auto apart = run_case(device(), op_case);
    op_case.in_place = 0;
    const auto in_place = run_case(device(), op_case);
    check_equal(in_place[0], apart[0], "loss");
    check_equal(in_place[1], apart[1], "dlogits");
  }
}

TEST_CASE(
    "cross_entropy: a target outside the vocabulary, or a NaN logit, makes its row NaN and no "
    "other") {
  OpCase op_case = loss_case(4, 300, true, Dtype::fp32, 1.0);
  op_case.reads[1][1] = 300;
  op_case.reads[1][2] = -1;
  op_case.reads[0][3 * 300 + 250] = NAN;
  const auto writes = run_case(device(), op_case);
  for (int row = 0; row < 4; ++row) {
    CHECK(std::isnan(writes[0][row]) == (row != 0));
    for (int v = 0; v < 300; ++v) CHECK(std::isnan(writes[1][row * 300 + v]) == (row != 0));
  }
}

TEST_CASE("sum_loss: cuda equals cpu bit for bit, whatever the number and length of sequences") {
  for (std::int64_t seq_len : {1, 31, 33, 100})
    for (std::int64_t sequences : {1, 7, 8, 9, 20}) {
      CAPTURE(seq_len);
      CAPTURE(sequences);
      const OpCase op_case{.attrs = SumLoss{seq_len * sequences, seq_len}, .same = {{1, 0}}};
      check_equal(run_case(device(), op_case)[0], run_case(cpu(), op_case)[0], "loss_sum");
    }
}
