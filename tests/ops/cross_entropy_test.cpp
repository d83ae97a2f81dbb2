#include "planner/program/control.h"
#include "tests/ops/claims.h"

namespace aforo::test {
namespace {

constexpr double loss_scale = 8, gradient_scale = 0.25f;

double reference_loss(const Doubles& logits, int target) {
  double max = logits[0], sum = 0;
  for (double v : logits) max = std::fmax(max, v);
  for (double v : logits) sum += std::exp(v - max);
  return std::log(sum) + max - logits[target];
}

Operand control_buffer() {
  Doubles control = zeros(control::size);
  control[control::loss_scale] = loss_scale;
  return fp32(control);
}

Case with_logits(std::int64_t rows, std::int64_t vocab, Doubles logits, bool has_gradient) {
  Doubles targets(rows);
  for (std::int64_t r = 0; r < rows; ++r) targets[r] = static_cast<double>((7 * r + 3) % vocab);
  Case test{CrossEntropy{rows, vocab, has_gradient, static_cast<float>(gradient_scale)},
            {activation(std::move(logits)), typed(Dtype::int32, targets)},
            {fp32(zeros(rows))}};
  if (has_gradient) {
    test.reads.push_back(control_buffer());
    test.writes.push_back(activation(zeros(rows * vocab)));
  }
  return test;
}

Case loss(std::int64_t rows, std::int64_t vocab, bool has_gradient = true) {
  return with_logits(rows, vocab, normal(rows * vocab, 1, 3), has_gradient);
}

/// Several blocks of 512 and a tail are among them.
constexpr std::int64_t vocabs[] = {1, 3, 17, 33, 384, 1024, 5003};

TEST_CASE("cross_entropy: losses equal the definition in fp64") {
  for (std::int64_t vocab : vocabs)
    for (bool has_gradient : {true, false})
      for (const Isa& isa : available_isas()) {
        CAPTURE(vocab);
        CAPTURE(has_gradient);
        CAPTURE(isa.name);
        const Case test = loss(3, vocab, has_gradient);
        const Doubles losses = run(isa, test).writes[0];
        for (int r = 0; r < 3; ++r) {
          const double expected = reference_loss(row(test.reads[0].values, r, vocab),
                                                 static_cast<int>(test.reads[1].values[r]));
          // exp is within 2 ulp (4 roundings) and its argument rounded once: up to 24 below the
          // maximum, 24 roundings of what is then below e^-24; a lane adds at most 1024 / 16 = 64
          // numbers of a block, then 10 blocks. The logarithm turns the sum's relative error into
          // an absolute one; the loss itself is rounded once.
          CHECK(std::fabs(losses[r] - expected) <= unit_roundoff * (80 + expected));
        }
      }
}

TEST_CASE("cross_entropy: the gradient equals finite differences, times both scales") {
  for (std::int64_t vocab : {1, 3, 17, 33, 384})
    for (const Isa& isa : available_isas()) {
      CAPTURE(vocab);
      CAPTURE(isa.name);
      const Case test = loss(1, vocab);
      const int target = static_cast<int>(test.reads[1].values[0]);
      const Doubles expected = numeric_gradient(
          [&](const Doubles& v) { return gradient_scale * loss_scale * reference_loss(v, target); },
          test.reads[0].values);
      // Probabilities below 1 with the sum's 80 roundings, times 2; 1e-9 for the differences.
      check_close(run(isa, test).writes[1], expected, 2 * 80 * unit_roundoff + 1e-9);
    }
}

TEST_CASE("cross_entropy: the gradient of a row sums to zero") {
  for (const Isa& isa : available_isas()) {
    const std::int64_t vocab = 50257;
    const Outcome outcome = run(isa, loss(1, vocab));
    double sum = 0;
    for (double d : outcome.writes[1]) sum += d;
    // Probabilities sum to 1 within the relative error of their sum (some 64 + 50 roundings, the
    // exps' own errors cancel).
    CHECK(std::fabs(sum) <= 128 * unit_roundoff * gradient_scale * loss_scale);
  }
}

TEST_CASE("cross_entropy: a target outside the vocabulary makes its row NaN and no other") {
  for (double target : {-1.0, 33.0, 2147483647.0, -2147483648.0}) {
    Case test = loss(3, 33);
    test.reads[1].values[1] = target;
    for (const Isa& isa : available_isas()) {
      CAPTURE(target);
      const Outcome outcome = run(isa, test);
      CHECK(std::isfinite(outcome.writes[0][0]));
      CHECK(std::isnan(outcome.writes[0][1]));
      CHECK(std::isfinite(outcome.writes[0][2]));
      for (int i = 0; i < 99; ++i) CHECK(std::isnan(outcome.writes[1][i]) == (i / 33 == 1));
    }
  }
}

TEST_CASE("cross_entropy: logits far apart neither overflow nor lose the loss") {
  const Doubles logits{-3e38, 80, 100, -INFINITY, 1e4};
  Case test = with_logits(1, 5, logits, true);
  for (const Isa& isa : available_isas()) {
    test.reads[1].values[0] = 2;
    const Outcome outcome = run(isa, test);
    CHECK(outcome.writes[0][0] == 9900);
    CHECK(outcome.writes[1] == Doubles{0, 0, -2, 0, 2});
    test.reads[1].values[0] = 4;
    CHECK(run(isa, test).writes[0][0] == 0);
  }
}

TEST_CASE("cross_entropy: shifting all logits of a row changes nothing") {
  for (std::int64_t vocab : {3, 17, 600})
    for (double shift : {-4096.0, 4096.0}) {
      // Multiples of 2^-8, so that the shifted logits are exact.
      Doubles logits = normal(vocab, 1, 3);
      for (double& v : logits) v = std::round(v * 256) / 256;
      Doubles shifted = logits;
      for (double& v : shifted) v += shift;
      for (const Isa& isa : available_isas()) {
        CAPTURE(vocab);
        CAPTURE(shift);
        check_equal_bytes(run(isa, with_logits(1, vocab, shifted, true)),
                          run(isa, with_logits(1, vocab, logits, true)));
      }
    }
}

TEST_CASE("cross_entropy: NaN among the logits makes the loss NaN") {
  for (std::int64_t at : {0, 20, 1500, 2999}) {
    Doubles logits = normal(3000, 1);
    logits[at] = NAN;
    for (const Isa& isa : available_isas())
      CHECK(std::isnan(run(isa, with_logits(1, 3000, logits, true)).writes[0][0]));
  }
}

TEST_CASE("cross_entropy: bf16 and fp16 are within 1 ulp of fp32") {
  for (std::int64_t vocab : vocabs) check_16_bit(loss(3, vocab));
}

TEST_CASE("cross_entropy: the number of threads does not change a bit") {
  check_threads(loss(64, 5003));
  check_threads(loss(64, 5003, false));
}

TEST_CASE("cross_entropy: in place equals out of place") {
  for (std::int64_t vocab : vocabs) check_in_place(loss(3, vocab));
}

TEST_CASE("sum_loss: adds each sequence in order, so the micro-batch size does not matter") {
  const Doubles losses = normal(12, 3);
  double expected = 5;
  for (int sequence = 0; sequence < 3; ++sequence) {
    double sum = 0;
    for (int t = 0; t < 4; ++t) sum += losses[sequence * 4 + t];
    expected += sum;
  }
  const auto case_of = [](std::int64_t rows, const Doubles& losses, double before) {
    return Case{SumLoss{rows, 4},
                {fp32(losses), typed(Dtype::fp64, {before})},
                {typed(Dtype::fp64, {0})},
                {{1, 0}}};
  };
  for (const Isa& isa : available_isas()) {
    CHECK(run(isa, case_of(12, losses, 5)).writes[0][0] == expected);
    double total = 5;
    for (int sequence = 0; sequence < 3; ++sequence)
      total = run(isa, case_of(4, row(losses, sequence, 4), total)).writes[0][0];
    CHECK(total == expected);
  }
}

}  // namespace
}  // namespace aforo::test
